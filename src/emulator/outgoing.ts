import http from 'node:http'
import https from 'node:https'
import axios, { type AxiosInstance } from 'axios'
import { sign } from './tokens.ts'
import { MAX_DOWNLOAD_BYTES, type Timings } from './types.ts'
import type { Work } from './work.ts'

const MAX_ANSWER_BYTES = 1024 * 1024

type Parts = {
  settings: { secret: string }
  clock: () => Date
  timings: Timings
  work: Work
  withTokens: boolean
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
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await this.#get(url, (status) => status === 200)).bytes
      } catch (error) {
        if (attempt >= timings.downloadTries) throw error
        await work.sleep(timings.downloadRetryMs)
      }
    }
  }

  /** One try with the same token, whatever comes of it; status 0 when there is no answer. */
  async tryDownload(url: string): Promise<{ status: number; bytes: Buffer }> {
    try {
      if (/^https?:\/\//.test(url)) return await this.#get(url, () => true)
    } catch {
      // No answer, or one that is too large.
    }
    return { status: 0, bytes: Buffer.alloc(0) }
  }

  close(): void {
    this.#agents.httpAgent.destroy()
    this.#agents.httpsAgent.destroy()
  }

  async #get(
    url: string,
    validateStatus: (status: number) => boolean,
  ): Promise<{ status: number; bytes: Buffer }> {
    const { timings, work, clock, settings, withTokens } = this.#parts
    const token = sign({ payload: { url } }, { secret: settings.secret, now: clock() })
    const response = await this.#axios.get<Buffer>(url, {
      headers: withTokens ? { Authorization: `Bearer ${token}` } : {},
      timeout: timings.downloadTimeoutMs,
      signal: AbortSignal.any([work.signal, AbortSignal.timeout(timings.downloadTimeoutMs)]),
      maxContentLength: MAX_DOWNLOAD_BYTES,
      responseType: 'arraybuffer',
      validateStatus,
    })
    return { status: response.status, bytes: Buffer.from(response.data) }
  }
}
