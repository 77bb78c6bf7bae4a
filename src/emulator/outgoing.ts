import { lookup } from 'node:dns/promises'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import axios, { type AxiosInstance } from 'axios'
import ipaddr from 'ipaddr.js'
import { sign } from './tokens.ts'
import type { Timings } from './types.ts'
import type { Work } from './work.ts'

const MAX_ANSWER_BYTES = 1024 * 1024

type Parts = {
  settings: { secret: string; jwtHeader: string }
  clock: () => Date
  timings: Timings
  work: Work
  withTokens: boolean
  refusesPrivateAddresses: boolean
  isContained: boolean
  maxDownloadBytes: number
}

/** The file is larger than `maxDownloadBytes`; it is not asked for again. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/** All requests that the emulator makes. */
export class Outgoing {
  readonly #parts: Parts
  readonly #agents = {
    httpAgent: new http.Agent({ keepAlive: true, maxSockets: 64 }),
    httpsAgent: new https.Agent({ keepAlive: true, maxSockets: 64 }),
  }
  readonly #axios: AxiosInstance

  constructor(parts: Parts) {
    this.#parts = parts
    this.#axios = axios.create({
      ...this.#agents,
      proxy: false,
      // Document Server follows redirects, and turns a POST answered 302 into a GET without body.
      maxRedirects: 5,
      signal: parts.work.signal,
      headers: { 'User-Agent': 'Node.js/6.13', Connection: 'Keep-Alive' },
    })
  }

  /** @throws when there is no answer at all */
  async post(
    url: string,
    body: string,
    headers: Record<string, string>,
  ): Promise<{ status: number; body: string }> {
    const response = await this.#axios.post<string>(url, body, {
      headers: { ...headers, 'Content-Type': 'application/json' },
      timeout: this.#parts.timings.callbackTimeoutMs,
      maxContentLength: MAX_ANSWER_BYTES,
      responseType: 'text',
      transformRequest: (data: unknown) => data,
      transformResponse: (data: unknown) => data,
      validateStatus: () => true,
    })
    return { status: response.status, body: String(response.data ?? '') }
  }

  /** With the token that the converter sends, in as many tries as it makes. @throws the last failure */
  async download(url: string): Promise<Buffer> {
    const { timings, work } = this.#parts
    if (!/^https?:\/\//.test(url)) throw new Error('only http and https are fetched')
    if (this.#parts.refusesPrivateAddresses) await demandPublic(url)
    if (this.#parts.isContained && LOCALHOST.test(new URL(url).hostname)) return answerOfContainer(url)
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { status, bytes } = await this.#get(url)
        if (status === 200) return bytes
        throw new Error(`the download answered ${status}`)
      } catch (error) {
        if (error instanceof TooLargeError || attempt >= timings.downloadTries) throw error
        await work.sleep(timings.downloadRetryMs)
      }
    }
  }

  /** One try with the same token, whatever comes of it; status 0 when there is no answer. */
  async tryDownload(url: string): Promise<{ status: number; bytes: Buffer }> {
    try {
      if (/^https?:\/\//.test(url)) return await this.#get(url)
    } catch {
      // No answer, or one that is too large.
    }
    return { status: 0, bytes: Buffer.alloc(0) }
  }

  close(): void {
    this.#agents.httpAgent.destroy()
    this.#agents.httpsAgent.destroy()
  }

  async #get(url: string): Promise<{ status: number; bytes: Buffer }> {
    const { timings, work, clock, settings, withTokens } = this.#parts
    const token = sign({ payload: { url } }, { secret: settings.secret, now: clock() })
    const response = await this.#axios.get<IncomingMessage>(url, {
      headers: withTokens ? { [settings.jwtHeader]: `Bearer ${token}` } : {},
      timeout: timings.downloadTimeoutMs,
      signal: AbortSignal.any([work.signal, AbortSignal.timeout(timings.downloadTimeoutMs)]),
      responseType: 'stream',
      validateStatus: () => true,
    })
    const announced = Number(response.headers['content-length'] ?? 0)
    return { status: response.status, bytes: await this.#read(response.data, announced) }
  }

  /** Of a length that is announced too large nothing is read. @throws TooLargeError */
  async #read(body: IncomingMessage, announced: number): Promise<Buffer> {
    const { maxDownloadBytes } = this.#parts
    const chunks: Buffer[] = []
    let size = announced > maxDownloadBytes ? announced : 0
    if (size === 0) {
      for await (const chunk of body) {
        size += chunk.length
        if (size > maxDownloadBytes) break
        chunks.push(chunk)
      }
    }
    body.destroy()
    if (size > maxDownloadBytes) throw new TooLargeError('the file is too large')
    return Buffer.concat(chunks)
  }
}

const LOCALHOST = /^(localhost|127\..*|\[::1\])$/

/** Source: default.json, services.CoAuthoring.server.port. @throws Error for any other port */
function answerOfContainer(url: string): Buffer {
  if (new URL(url).host !== 'localhost:8000') throw new Error('connect ECONNREFUSED')
  return Buffer.from('true')
}

/** As Document Server's request-filtering-agent does. @throws Error for anything but a public address */
async function demandPublic(url: string): Promise<void> {
  const { address } = await lookup(new URL(url).hostname.replace(/^\[|\]$/g, ''))
  if (ipaddr.process(address).range() !== 'unicast') throw new Error('It is private IP address')
}
