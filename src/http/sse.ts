import type { Response } from 'express'

const KEEP_ALIVE_MS = 20_000
/** Whoever reads nothing of it comes back when they do. */
const MOST_UNREAD_BYTES = 1024 ** 2
/** Readers who have to come back do so at different times. */
const COME_BACK_LEAST_MS = 100
const COME_BACK_MOST_MS = 2000

export type EventStream = {
  /** Holds the stream while it is open, so that a stopping service can end it. */
  streams: Set<Response>
  /** Asked with every sign of life: a stream does not outlive the right to it. */
  isWelcome: () => Promise<boolean>
  onClose: () => void
}

/**
 * Opens a stream of server-sent events; comments keep proxies from closing it. The event `gap` ends it:
 * whoever reads it comes back soon and looks at everything anew, as after a break of the line.
 *
 * Source: HTML Standard, Server-sent events.
 */
export function openEventStream(
  response: Response,
  { streams, isWelcome, onClose }: EventStream,
): (event: string, data: unknown) => void {
  // Gone while it was looked up whether they may.
  if (response.destroyed) {
    onClose()
    return () => {}
  }
  response.status(200).set({
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-cache, no-store, no-transform',
    'X-Accel-Buffering': 'no',
  })
  response.flushHeaders()
  streams.add(response)
  response.write(':\n\n')
  const write = (text: string) => {
    // Ended, and not closed before its reader has taken what there is: writing would be a fault.
    if (response.writableEnded) return
    response.write(text)
    if (response.writableLength > MOST_UNREAD_BYTES) response.destroy()
  }
  const keepAlive = setInterval(async () => {
    // A database that is busy is no reason to end it.
    if (await isWelcome().catch(() => true)) write(':\n\n')
    else response.end()
  }, KEEP_ALIVE_MS)
  response.once('close', () => {
    clearInterval(keepAlive)
    streams.delete(response)
    onClose()
  })
  return (event, data) => {
    if (event !== 'gap') return write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
    const comeBackMs = COME_BACK_LEAST_MS + Math.random() * (COME_BACK_MOST_MS - COME_BACK_LEAST_MS)
    write(`retry: ${Math.round(comeBackMs)}\n\n`)
    response.end()
  }
}
