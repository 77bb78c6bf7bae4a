import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export type Request = { method: string; path: string; headers: IncomingHttpHeaders; body: Buffer }

/** How it answers while it is not itself: a status, nothing at all, a closed connection, or after doing it. */
export type Trouble = number | 'hang' | 'drop' | 'do it and drop'

export type FileManager = AsyncDisposable & {
  origin: string
  /** By path; the bytes may be changed at any time. */
  files: Map<string, Buffer>
  /** Every request, the oldest first. */
  requests: Request[]
  /** Those that replaced a file, and the JSON that was posted. */
  puts(): Request[]
  events(): { type: string; data: Record<string, unknown> }[]
  trouble: Trouble | undefined
  /** Only for requests of this method. */
  troubleWith: string | undefined
  etags: 'strong' | 'weak' | 'none'
  heedsIfMatch: boolean
  /** Instead of a file's own answer. */
  answers: Map<string, (request: IncomingMessage, response: ServerResponse) => void>
}

/** Somebody else's program that keeps files and has them edited here. */
export async function startFileManager(host = '127.0.0.1'): Promise<FileManager> {
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  const manager: FileManager = {
    origin: `http://${host}:${(server.address() as AddressInfo).port}`,
    files: new Map(),
    requests: [],
    puts: () => manager.requests.filter(({ method }) => method === 'PUT'),
    events: () =>
      manager.requests
        .filter(({ method }) => method === 'POST')
        .map(({ body }) => JSON.parse(body.toString())),
    trouble: undefined,
    troubleWith: undefined,
    etags: 'strong',
    heedsIfMatch: true,
    answers: new Map(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return manager

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '', manager.origin)
    const method = request.method ?? ''
    const body = await buffer(request).catch(() => Buffer.alloc(0))
    manager.requests.push({ method, path: request.url ?? '', headers: request.headers, body })
    const own = manager.answers.get(pathname)
    if (own !== undefined) return own(request, response)
    const { trouble, troubleWith } = manager
    const isTroubled = trouble !== undefined && (troubleWith === undefined || troubleWith === method)
    if (isTroubled && trouble !== 'do it and drop') {
      if (trouble === 'drop') request.socket.destroy()
      else if (trouble !== 'hang') response.writeHead(trouble).end('in trouble')
      return
    }
    if (isTroubled) {
      if (method === 'PUT') manager.files.set(pathname, body)
      request.socket.destroy()
      return
    }
    if (method === 'POST') response.writeHead(204).end()
    else if (method === 'PUT') put(pathname, request, body, response)
    else send(pathname, request, response)
  }

  function send(path: string, request: IncomingMessage, response: ServerResponse): void {
    const bytes = manager.files.get(path)
    if (bytes === undefined) return void response.writeHead(404).end()
    const etag =
      manager.etags === 'none' ? undefined : `${manager.etags === 'weak' ? 'W/' : ''}${etagOf(bytes)}`
    if (etag !== undefined) response.setHeader('ETag', etag)
    if (etag !== undefined && request.headers['if-none-match'] === etag) response.writeHead(304).end()
    else response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes)
  }

  function put(path: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const wanted = request.headers['if-match']
    const there = manager.files.get(path)
    const isOther = wanted !== undefined && (there === undefined || wanted !== etagOf(there))
    if (manager.heedsIfMatch && isOther) return void response.writeHead(412).end()
    manager.files.set(path, body)
    response.writeHead(204, manager.etags === 'strong' ? { ETag: etagOf(body) } : {}).end()
  }
}

export function etagOf(bytes: Buffer): string {
  return `"${sha256(bytes).slice(0, 16)}"`
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** As the README tells to check it. */
export function isSignedWith(secret: string, { method, headers, body }: Request): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signed = method === 'POST' ? body.toString() : sha256(body)
  const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${signed}`
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(text).digest('base64')}`
}
