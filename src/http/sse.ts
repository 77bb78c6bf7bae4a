import type { Response } from 'express'

const KEEP_ALIVE_MS = 20_000

export type EventStream = {
  /** Holds the stream while it is open, so that a stopping service can end it. */
  streams: Set<Response>
  /** Asked with every sign of life: a stream does not outlive the right to it. */
  isWelcome: () => Promise<boolean>
  onClose: () => void
}

/**
 * Opens a stream of server-sent events; comments keep proxies from closing it.
 *
 * Source: HTML Standard, Server-sent events.
 */
export function openEventStream(
  response: Response,
  { streams, isWelcome, onClose }: EventStream,
): (event: string, data: unknown) => void {
  response.status(200).set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-store, no-transform',
    'X-Accel-Buffering': 'no',
  })
  response.flushHeaders()
  streams.add(response)
  response.write(':\n\n')
  const keepAlive = setInterval(async () => {
    if (await isWelcome()) response.write(':\n\n')
    else response.end()
  }, KEEP_ALIVE_MS)
  response.once('close', () => {
    clearInterval(keepAlive)
    streams.delete(response)
    onClose()
  })
  return (event, data) => {
    response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
  }
}
