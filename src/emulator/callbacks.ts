import type { Faults } from './faults.ts'
import type { Outgoing } from './outgoing.ts'
import { sign } from './tokens.ts'
import type { CallbackAnswer, HandMadeCallback, SentCallback } from './types.ts'
import type { Work } from './work.ts'

// From this length on the header would be too long for many servers.
const HEADER_LIMIT_CHARS = 7168

/** The fields of a callback; `key` and `status` are always among them. */
export type CallbackFields = { key: string; status: number; [field: string]: unknown }

type Parts = {
  settings: { secret: string; jwtHeader: string }
  clock: () => Date
  work: Work
  faults: Faults
  outgoing: Outgoing
  withTokens: boolean
  maxRemembered: number
  log: (line: string) => void
}

type Message = { key: string; status: number; url: string; body: object; authorization: string | undefined }

/** Sends callbacks, signed twice, and remembers them. */
export class Callbacks {
  readonly sent: SentCallback[] = []
  readonly #parts: Parts
  readonly #held = new Map<string, (() => void)[]>()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** One POST, or what an armed fault makes of it; never throws. */
  send(url: string, fields: CallbackFields): Promise<CallbackAnswer> {
    return this.#parts.work.run(async () => {
      const { key, status } = fields
      const fault = this.#parts.faults.takeCallback(key, status)
      if (fault?.kind === 'drop') return { error: 'dropped by an armed fault' }
      if (fault?.kind === 'delay') await this.#parts.work.sleep(fault.ms).catch(() => {})
      if (fault?.kind === 'holdUntilFinal') await this.#hold(key)
      const message = { key, status, url, ...this.#signTwice(fields) }
      const extra = fault?.kind === 'duplicate' ? (fault.extra ?? 1) : 0
      const [answer] = await Promise.all(Array.from({ length: 1 + extra }, () => this.#post(message)))
      if (status === 2 || status === 3) this.#release(key)
      return answer ?? { error: 'nothing was sent' }
    })
  }

  /** A hand-made callback, signed like a real one unless told otherwise. @throws when there is no answer */
  async sendHandMade(
    url: string,
    fields: CallbackFields,
    options: HandMadeCallback,
  ): Promise<{ status: number; body: string }> {
    const signing = {
      secret: options.secret ?? this.#parts.settings.secret,
      now: this.#parts.clock(),
      algorithm: options.algorithm ?? 'HS256',
      ...(options.expiresInS === undefined ? {} : { expiresInS: options.expiresInS }),
    } as const
    const { header = true, bodyToken = true } = options
    const authorization =
      header === true ? `Bearer ${sign({ payload: fields }, signing)}` : header || undefined
    const token = bodyToken === true ? sign(fields, signing) : bodyToken || undefined
    const body = { ...(options.plain ?? fields), ...(token === undefined ? {} : { token }) }
    const answer = await this.#parts.work.run(() =>
      this.#post({ key: fields.key, status: fields.status, url, body, authorization }),
    )
    if ('error' in answer) throw new Error(answer.error)
    return answer
  }

  #signTwice(fields: CallbackFields): { body: object; authorization: string | undefined } {
    const { settings, clock, withTokens } = this.#parts
    if (!withTokens) return { body: fields, authorization: undefined }
    const signing = { secret: settings.secret, now: clock() }
    const token = sign(fields, signing)
    const header = sign({ payload: fields }, signing)
    if (header.length < HEADER_LIMIT_CHARS) {
      return { body: { ...fields, token }, authorization: `Bearer ${header}` }
    }
    // Only the body token keeps what made the header too long.
    const { changesurl: _changesurl, history: _history, ...short } = fields
    return { body: { ...short, token }, authorization: `Bearer ${sign({ payload: short }, signing)}` }
  }

  async #post(message: Message): Promise<CallbackAnswer> {
    const { clock, outgoing, maxRemembered, log, settings } = this.#parts
    const body = JSON.stringify(message.body)
    const headers: Record<string, string> = {
      ...(message.authorization === undefined ? {} : { [settings.jwtHeader]: message.authorization }),
    }
    const sent: SentCallback = {
      at: clock(),
      key: message.key,
      status: message.status,
      url: message.url,
      body: JSON.parse(body),
      headers,
      answer: undefined,
    }
    this.sent.push(sent)
    if (this.sent.length > maxRemembered) this.sent.splice(0, this.sent.length - maxRemembered)
    try {
      sent.answer = await outgoing.post(message.url, body, headers)
      log(`callback ${message.status} of ${message.key} answered ${sent.answer.status}`)
    } catch (error) {
      sent.answer = { error: error instanceof Error ? error.message : String(error) }
      log(`callback ${message.status} of ${message.key} not delivered`)
    }
    return sent.answer
  }

  #hold(key: string): Promise<void> {
    return new Promise((resolve) => {
      const held = this.#held.get(key) ?? []
      held.push(resolve)
      this.#held.set(key, held)
      this.#parts.work.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  #release(key: string): void {
    for (const resolve of this.#held.get(key) ?? []) resolve()
    this.#held.delete(key)
  }
}

/** Success is HTTP 200 and a JSON body whose `error` is 0; nothing else. */
export function isSuccess(answer: CallbackAnswer): boolean {
  if ('error' in answer || answer.status !== 200) return false
  try {
    const body: unknown = JSON.parse(answer.body)
    return typeof body === 'object' && body !== null && 'error' in body && Number(body.error) === 0
  } catch {
    return false
  }
}

/** Worth another POST: no answer, 429, 5xx. */
export function isRetryable(answer: CallbackAnswer): boolean {
  return 'error' in answer || answer.status === 429 || answer.status >= 500
}
