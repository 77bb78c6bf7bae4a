import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'

/** What becomes of a request: an answer of the proxy's own, so many bytes of the body of the real one, or all of it later. */
export type Fate =
  | { status: number }
  | { cutAfter: number }
  | { heldUntil: Promise<void> }
  | 'silence'
  | undefined

export type FaultyProxy = AsyncDisposable & {
  /** Like `http://127.0.0.1:1234`. */
  url: string
  /** Method and address of each request so far. */
  requests: string[]
  /** Bytes of answers that have been taken from the target so far. */
  taken: number
  /** Called for each request. */
  fate: (request: IncomingMessage) => Fate
}

/** Passes requests on, `Host` included, which is signed, and makes of them what `fate` says. */
export async function startFaultyProxy(target: string): Promise<FaultyProxy> {
  const agent = new Agent({ keepAlive: true })
  const proxy: FaultyProxy = {
    url: '',
    requests: [],
    taken: 0,
    fate: () => undefined,
    [Symbol.asyncDispose]: async () => {
      agent.destroy()
      server.closeAllConnections()
      server.close()
    },
  }
  const server = createServer((incoming, answer) => {
    proxy.requests.push(`${incoming.method} ${incoming.url}`)
    const fate = proxy.fate(incoming)
    if (fate === 'silence') incoming.resume()
    else if (fate && 'status' in fate) {
      incoming.resume()
      incoming.once('end', () => answer.writeHead(fate.status, { 'content-length': 0 }).end())
    } else {
      const cutAfter = fate && 'cutAfter' in fate ? fate.cutAfter : undefined
      const pass = () => passOn(incoming, answer, { target, agent, proxy, cutAfter })
      if (fate && 'heldUntil' in fate) void fate.heldUntil.then(pass)
      else pass()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return proxy
}

function passOn(
  incoming: IncomingMessage,
  answer: ServerResponse,
  {
    target,
    agent,
    proxy,
    cutAfter,
  }: { target: string; agent: Agent; proxy: FaultyProxy; cutAfter: number | undefined },
) {
  const { method, url = '', headers } = incoming
  const outgoing = request(new URL(url, target), { method, headers, agent })
  const fail = () => answer.destroy()
  incoming.on('error', fail)
  outgoing.on('error', fail)
  outgoing.on('response', (real) => {
    real.on('error', fail)
    answer.on('close', () => real.destroy())
    answer.writeHead(real.statusCode ?? 500, real.headers)
    if (cutAfter === undefined) {
      pipeline(
        real,
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            proxy.taken += chunk.length
            yield chunk
          }
        },
        answer,
      ).catch(fail)
      return
    }
    answer.flushHeaders()
    let left = cutAfter
    real.on('data', (chunk: Buffer) => {
      if (left <= 0) return
      answer.write(chunk.subarray(0, left), () => {
        if (left <= 0) answer.destroy()
      })
      left -= chunk.length
    })
    real.on('end', () => answer.end())
    if (left <= 0) setImmediate(fail)
  })
  incoming.pipe(outgoing)
}
