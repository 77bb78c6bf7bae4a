import { Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import axios, { type AxiosInstance, isAxiosError } from 'axios'
import type { WebhookAnswer, WebhookOrder, WebhookSender } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import { type AddressGuard, AddressRefused } from './address-guard.ts'

const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 64 * 1024

/** Sends webhooks: guarded connections of their own, no proxy, no redirects, limits on everything. */
export class HttpWebhookSender implements WebhookSender {
  readonly #guard: AddressGuard
  readonly #guarded: AxiosInstance
  readonly #open: AxiosInstance
  readonly #timeoutMs: number

  /** @param timeoutMs from the name to the end of the answer */
  constructor(guard: AddressGuard, timeoutMs = TIMEOUT_MS) {
    this.#guard = guard
    this.#guarded = clientWith({ lookup: guard.lookup })
    this.#open = clientWith({})
    this.#timeoutMs = timeoutMs
  }

  demandAllowed(url: string): void {
    if (this.#guard.refuses(new URL(url).hostname)) throw new Problem('webhook-address-refused')
  }

  async send({ url, headers, body, mayBeInternal, signal }: WebhookOrder): Promise<WebhookAnswer> {
    const limit = AbortSignal.timeout(this.#timeoutMs)
    try {
      // A connection to an address, unlike one to a name, is made without a look-up.
      if (!mayBeInternal) this.demandAllowed(url)
      const client = mayBeInternal ? this.#open : this.#guarded
      const { status, data } = await client.post<IncomingMessage>(url, body, {
        headers: { ...headers, 'Content-Type': 'application/json', 'User-Agent': 'docs-connector' },
        signal: signal === undefined ? limit : AbortSignal.any([limit, signal]),
      })
      await readSome(data)
      return { status, error: undefined }
    } catch (error) {
      return { status: undefined, error: limit.aborted ? 'no answer in time' : reason(error) }
    }
  }
}

function clientWith(options: { lookup?: AddressGuard['lookup'] }): AxiosInstance {
  return axios.create({
    // Each attempt resolves and looks anew: no connection outlives a change of the name's address.
    httpAgent: new HttpAgent({ keepAlive: false, ...options }),
    httpsAgent: new HttpsAgent({ keepAlive: false, ...options }),
    proxy: false,
    maxRedirects: 0,
    validateStatus: () => true,
    responseType: 'stream',
    decompress: false,
    transformRequest: (body: string) => body,
  })
}

/** The status counts, whatever becomes of the rest; polite receivers get to send it. */
async function readSome(body: IncomingMessage): Promise<void> {
  let bytes = 0
  try {
    for await (const chunk of body) {
      bytes += chunk.length
      if (bytes > MAX_ANSWER_BYTES) break
    }
  } catch {
    // Cut short by the receiver or by the time limit.
  } finally {
    body.destroy()
  }
}

/** Without addresses: they may carry tokens. */
function reason(error: unknown): string {
  if (error instanceof Problem) return 'the address is an internal one'
  if (!isAxiosError(error)) return error instanceof Error ? error.name : 'unknown fault'
  if (error.code === 'ERR_ADDRESS_REFUSED' || error.cause instanceof AddressRefused)
    return 'the name leads to an internal address'
  return error.code ?? 'no answer'
}
