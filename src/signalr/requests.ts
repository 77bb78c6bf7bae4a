import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { Refusal } from './refusal.ts'

export const NO_CACHE = { 'Cache-Control': 'no-cache, no-store', Pragma: 'no-cache' } as const

const LAST_BYTES_MS = 1000
const ALLOWED_METHODS = 'GET, POST, DELETE'
const ALLOWED_HEADERS = 'Authorization, Content-Type, X-Requested-With, X-SignalR-User-Agent'

export function queryOf(request: IncomingMessage): URLSearchParams {
  const url = request.url ?? ''
  const start = url.indexOf('?')
  return new URLSearchParams(start === -1 ? '' : url.slice(start))
}

/** Browsers cannot set headers for WebSockets and Server-Sent Events: there it is in the address. Source: RFC 6750 §2 */
export function tokenOf(request: IncomingMessage, query: URLSearchParams): string | undefined {
  const bearer = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
  return bearer ?? query.get('access_token') ?? undefined
}

export function isAllowedOrigin(request: IncomingMessage, origins: readonly string[]): boolean {
  const { origin } = request.headers
  return origin === undefined || origins.length === 0 || origins.includes(origin)
}

/** The official client sends credentials unless told otherwise: the origin is named. Source: Fetch Standard, CORS. */
export function setCorsHeaders(
  request: IncomingMessage,
  response: ServerResponse,
  origins: readonly string[],
): void {
  response.appendHeader('Vary', 'Origin')
  const { origin } = request.headers
  if (origin === undefined || !isAllowedOrigin(request, origins)) return
  response.setHeader('Access-Control-Allow-Origin', origin)
  response.setHeader('Access-Control-Allow-Credentials', 'true')
  if (!isPreflight(request)) return
  response.setHeader('Access-Control-Allow-Methods', ALLOWED_METHODS)
  response.setHeader('Access-Control-Allow-Headers', ALLOWED_HEADERS)
  response.setHeader('Access-Control-Max-Age', '600')
}

export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

/**
 * A whole body, in time and within the limit.
 *
 * @throws Refusal 408, 413
 */
export function readBody(request: IncomingMessage, maxBytes: number, mostMs: number): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const parts: Buffer[] = []
  let length = 0
  // Given up by its sender before it was this one's turn.
  if (request.destroyed) reject(new Refusal(400, 'The body is not whole'))
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) reject(tooLarge())
  // Not by iteration: leaving that early ends the socket, and the refusal could not be told.
  else request.on('data', take)
  const late = setTimeout(() => reject(new Refusal(408, 'The body came too slowly')), mostMs).unref()
  request.once('end', () => resolve(Buffer.concat(parts, length)))
  request.once('close', () => reject(new Refusal(400, 'The body is not whole')))
  request.once('error', () => {})
  return promise.finally(() => {
    clearTimeout(late)
    request.off('data', take)
  })

  function take(part: Buffer): void {
    length += part.length
    if (length > maxBytes) reject(tooLarge())
    else parts.push(part)
  }
}

function tooLarge(): Refusal {
  return new Refusal(413, 'The body is larger than the limit')
}

export function answer(response: ServerResponse, status: number, body: string, type = 'text/plain'): void {
  response.writeHead(status, {
    ...NO_CACHE,
    'Content-Type': `${type}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

export function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal): void {
  for (const [name, value] of Object.entries(headersOf(refusal))) response.setHeader(name, value)
  // What is on its way is read for a moment, or the client would never see the answer.
  if (!request.complete) {
    request.resume()
    setTimeout(() => request.complete || request.socket.destroy(), LAST_BYTES_MS).unref()
  }
  answer(response, refusal.status, refusal.message)
}

/** Refuses a WebSocket: nobody has written to the socket yet. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const { status, message } = refusal
  const headers = { ...headersOf(refusal), 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}`
  socket.once('finish', () => socket.destroy())
  socket.end(`${head}Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`)
}

function headersOf({ status, headers }: Refusal): Readonly<Record<string, string>> {
  return status === 401 ? { 'WWW-Authenticate': 'Bearer', ...headers } : headers
}
