import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

export type ProxyOptions = {
  /** Only what lies below it is passed on, without it. */
  below?: string
  /** Added to every answer; of a name that is there already both are sent. */
  headers?: Record<string, string>
  tls?: { key: string; cert: string }
  /** Requests for this path are never answered. */
  silentAt?: string
  /** Requests for this path are sent on to another address. */
  redirects?: { from: string; to: (host: string, url: string) => string }
  /** Requests for this path get a page that says that nothing is there. */
  missing?: string
  /** Instead of passing anything on. */
  answer?: (request: IncomingMessage, response: ServerResponse) => void
}

/** A reverse proxy on 127.0.0.1; it answers 502 until `target` is set. */
export async function startProxy({
  below = '',
  headers = {},
  tls,
  silentAt,
  redirects,
  missing,
  answer,
}: ProxyOptions = {}) {
  const proxy = { target: '', url: '' }
  const handle = answer ?? pass
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  proxy.url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`

  function pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { url = '/', method = 'GET' } = incoming
    if (silentAt !== undefined && url.startsWith(silentAt)) return
    if (redirects !== undefined && url.startsWith(redirects.from)) {
      response.writeHead(302, { location: redirects.to(incoming.headers.host ?? '', url) }).end()
      return
    }
    if (missing !== undefined && url.startsWith(missing)) {
      response.writeHead(404).end('<html>not found</html>')
      return
    }
    if (proxy.target === '' || !url.startsWith(`${below}/`)) {
      response.writeHead(proxy.target === '' ? 502 : 404).end('nothing here')
      return
    }
    const onward = request(`${proxy.target}${url.slice(below.length)}`, { method, headers: incoming.headers })
    onward.on('response', (answered) => {
      const merged: IncomingMessage['headers'] = { ...answered.headers }
      for (const [name, value] of Object.entries(headers)) {
        const there = merged[name]
        merged[name] = there === undefined ? value : `${there}, ${value}`
      }
      response.writeHead(answered.statusCode ?? 502, merged)
      answered.pipe(response)
      answered.on('close', () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    incoming.pipe(onward)
  }

  return Object.assign(proxy, {
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  })
}
