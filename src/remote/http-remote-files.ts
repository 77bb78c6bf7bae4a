import { Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'
import axios, { type AxiosResponse, isAxiosError } from 'axios'
import { strongETag, writtenETag } from '../core/etag.ts'
import type { RemoteAnswer, RemoteContent, RemoteFiles, RemoteRequest } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import { readSome } from './read-some.ts'

const TIME_LIMITS_MS = { read: 120_000, post: 30_000 }

/**
 * Each request has a connection of its own: its name is resolved once, and no other address is spoken with.
 * The addresses behind an origin are not looked at: the administrator has named it, no key's holder.
 */
const http = axios.create({
  httpAgent: new HttpAgent({ keepAlive: false }),
  httpsAgent: new HttpsAgent({ keepAlive: false }),
  proxy: false,
  maxRedirects: 0,
  maxBodyLength: Number.POSITIVE_INFINITY,
  validateStatus: () => true,
  responseType: 'stream',
  decompress: false,
  transformRequest: (body: unknown) => body,
})

/** Files at the origins of `FILE_ORIGINS`. */
export class HttpRemoteFiles implements RemoteFiles {
  readonly #origins: ReadonlySet<string>
  readonly #limitsMs: typeof TIME_LIMITS_MS

  /** @param limitsMs from the name to the last byte */
  constructor(origins: readonly string[], limitsMs = TIME_LIMITS_MS) {
    this.#origins = new Set(origins)
    this.#limitsMs = limitsMs
  }

  demandAllowed(url: string): void {
    const { origin, username, password } = new URL(url)
    if (!this.#origins.has(origin) || username !== '' || password !== '')
      throw new Problem('remote-origin-refused', `${origin} is not among FILE_ORIGINS`)
  }

  async read({ url, headers, etag, signal }: Parameters<RemoteFiles['read']>[0]): Promise<RemoteContent> {
    this.demandAllowed(url)
    const limit = AbortSignal.timeout(this.#limitsMs.read)
    const response = await http
      .get<IncomingMessage>(url, {
        headers: {
          ...headers,
          'Accept-Encoding': 'identity',
          'Cache-Control': 'no-cache',
          'User-Agent': 'docs-connector',
          ...(etag === undefined ? {} : { 'If-None-Match': etag }),
        },
        signal: either(limit, signal),
      })
      .catch((cause: unknown) => {
        throw unreadable(reason(cause, limit), cause)
      })
    const found = strongETag(headerOf(response, 'etag'))
    // Not everybody compares for us.
    const isKnown = response.status === 200 && found !== undefined && found === etag
    const isUnchanged = isKnown || (response.status === 304 && etag !== undefined)
    const encoding = headerOf(response, 'content-encoding') ?? 'identity'
    if (isUnchanged || response.status !== 200 || encoding !== 'identity') {
      response.data.destroy()
      if (isUnchanged) return 'unchanged'
      throw unreadable(response.status === 200 ? `it is encoded as ${encoding}` : answered(response))
    }
    return { bytes: Readable.from(whole(response.data, limit), { objectMode: false }), etag: found }
  }

  async write({
    bytes,
    size,
    mediaType,
    etag,
    timeLimitMs,
    ...request
  }: Parameters<RemoteFiles['write']>[0]): Promise<RemoteAnswer> {
    const answer = await this.#send('PUT', request, timeLimitMs, bytes, {
      'Content-Type': mediaType,
      'Content-Length': String(size),
      ...(etag === undefined ? {} : { 'If-Match': etag }),
    })
    bytes.destroy()
    return answer
  }

  post({ body, ...request }: RemoteRequest & { body: string }): Promise<RemoteAnswer> {
    return this.#send('POST', request, this.#limitsMs.post, body, { 'Content-Type': 'application/json' })
  }

  async #send(
    method: 'PUT' | 'POST',
    { url, headers, signal }: RemoteRequest,
    timeLimitMs: number,
    data: Readable | string,
    more: Record<string, string>,
  ): Promise<RemoteAnswer> {
    const limit = AbortSignal.timeout(timeLimitMs)
    try {
      this.demandAllowed(url)
      const response = await http.request<IncomingMessage>({
        method,
        url,
        data,
        headers: { ...headers, ...more, 'User-Agent': 'docs-connector' },
        signal: either(limit, signal),
      })
      const { etag: written } = await readSome(response.data)
      const etag = writtenETag(written) ?? strongETag(headerOf(response, 'etag'))
      const isGood = response.status >= 200 && response.status < 300
      return { status: response.status, error: isGood ? undefined : answered(response), etag }
    } catch (error) {
      return { status: undefined, error: reason(error, limit), etag: undefined }
    }
  }
}

/** Node ends a body that is shorter than announced with an error; one that never ends meets the limits. */
async function* whole(body: IncomingMessage, limit: AbortSignal): AsyncGenerator<Buffer> {
  try {
    yield* body
  } catch (cause) {
    throw unreadable(limit.aborted ? 'it did not end in time' : 'it broke off', cause)
  }
}

function either(limit: AbortSignal, signal: AbortSignal | undefined): AbortSignal {
  return signal === undefined ? limit : AbortSignal.any([limit, signal])
}

function headerOf(response: AxiosResponse, name: string): string | undefined {
  const value: unknown = response.headers[name]
  return typeof value === 'string' ? value : undefined
}

function answered({ status }: AxiosResponse): string {
  const isRedirect = status >= 300 && status < 400
  return `answered ${status}${isRedirect ? ', redirects are not followed' : ''}`
}

function unreadable(why: string, cause?: unknown): Problem {
  return new Problem('remote-file-unreadable', `the file cannot be read: ${why}`, { cause })
}

/** Without addresses: they may carry tokens. */
function reason(error: unknown, limit: AbortSignal): string {
  if (limit.aborted) return 'no answer in time'
  if (error instanceof Problem) return error.message
  if (isAxiosError(error)) return error.code ?? 'no answer'
  return error instanceof Error ? error.name : 'unknown fault'
}
