import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import type { Files } from './files.ts'
import {
  addressesIn,
  changesAddressIn,
  checkArgument,
  checkConfig,
  type TokenCheck,
  type TokenFault,
} from './method-tokens.ts'
import type { Outgoing } from './outgoing.ts'
import { sign } from './tokens.ts'
import type { SignedConfig } from './types.ts'

// Codes of onError. Source: ONLYOFFICE sdkjs, c_oAscError.ID.
const DOWNLOAD_ERROR = -4
const BAD_TOKEN = -20
const EXPIRED_TOKEN = -21

/** `status` 0: there was no answer. `sha256` in hex and `size` in bytes, of the body. */
export type Fetched = { url: string; status: number; sha256: string; size: number }

/** A method of the editor that the host page called; `new DocEditor` counts as the method `DocEditor`. */
export type MethodCall = {
  at: Date
  key: string
  method: string
  argument: unknown
  /** Undefined: this method needs no token. */
  isTokenValid: boolean | undefined
  tokenFault?: TokenFault
  /** What the addresses in the argument answered; that of `changesUrl` comes last and a little later. */
  fetched?: Fetched[]
}

/** An event that reached a listener of the host page. */
export type FiredEvent = { at: Date; key: string; name: string; data: unknown }

/** What the editor page makes of a call. */
export type CallAnswer = {
  errorCode?: number
  /** The fetched files, handed out by the emulator. */
  urls?: string[]
  /** For the browser to fetch. */
  changes?: { url: string; authorization: string }
}

type Parts = {
  settings: { secret: string }
  clock: () => Date
  outgoing: Outgoing
  files: Files
  maxRemembered: number
}

/** Takes the calls of host pages: checks their tokens, fetches what they name, remembers all. */
export class HostCalls {
  readonly calls: MethodCall[] = []
  readonly events: FiredEvent[] = []
  readonly #parts: Parts

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** `new DocEditor` or `refreshFile`. */
  takeConfig(method: string, config: SignedConfig): void {
    this.#remember({
      key: config.document.key,
      method,
      argument: config,
      ...checkConfig(config, this.#signing),
    })
  }

  async take(
    key: string,
    method: string,
    argument: unknown,
  ): Promise<{ call: MethodCall; answer: CallAnswer; bytes: Buffer[] }> {
    const check = checkArgument(method, argument, this.#signing)
    const call = { key, method, argument, ...check }
    if (!check.isTokenValid) {
      return { call: this.#remember(call), answer: refusal(check), bytes: [] }
    }
    const fetched = await Promise.all(addressesIn(argument).map((url) => this.#fetch(url)))
    const remembered = this.#remember({ ...call, fetched: fetched.map(({ file }) => file) })
    const isFetched = fetched.every(({ file }) => file.status === 200)
    const answer = {
      urls: fetched.map(({ file, bytes }) => this.#handOut(key, file.url, bytes)),
      ...(isFetched ? this.#changes(argument) : { errorCode: DOWNLOAD_ERROR }),
    }
    return { call: remembered, answer, bytes: fetched.map(({ bytes }) => bytes) }
  }

  /** What the browser got from `changesUrl`. */
  addChanges(call: MethodCall, status: number, bytes: Buffer): void {
    const url = changesAddressIn(call.argument)
    if (url) call.fetched?.push(describe(url, status, bytes))
  }

  addEvent(key: string, name: string, data: unknown): void {
    this.events.push({ at: this.#parts.clock(), key, name, data })
    this.#trim(this.events)
  }

  get #signing(): { secret: string; now: Date } {
    return { secret: this.#parts.settings.secret, now: this.#parts.clock() }
  }

  async #fetch(url: string): Promise<{ file: Fetched; bytes: Buffer }> {
    const { status, bytes } = await this.#parts.outgoing.tryDownload(url)
    return { file: describe(url, status, bytes), bytes }
  }

  #handOut(key: string, url: string, bytes: Buffer): string {
    const { files } = this.#parts
    const extension = extname(URL.canParse(url) ? new URL(url).pathname : '') || '.bin'
    return files.url(files.make(`${files.folder(key)}/media${extension}`, bytes), { shardkey: key })
  }

  #changes(argument: unknown): Pick<CallAnswer, 'changes'> {
    const url = changesAddressIn(argument)
    return url
      ? { changes: { url, authorization: `Bearer ${sign({ payload: { url } }, this.#signing)}` } }
      : {}
  }

  #remember(call: Omit<MethodCall, 'at'>): MethodCall {
    const remembered = { at: this.#parts.clock(), ...call }
    this.calls.push(remembered)
    this.#trim(this.calls)
    return remembered
  }

  #trim(list: unknown[]): void {
    const { maxRemembered } = this.#parts
    if (list.length > maxRemembered) list.splice(0, list.length - maxRemembered)
  }
}

function refusal({ isTokenValid, tokenFault }: TokenCheck): CallAnswer {
  if (isTokenValid === undefined) return {}
  return { errorCode: tokenFault === 'expired' ? EXPIRED_TOKEN : BAD_TOKEN }
}

function describe(url: string, status: number, bytes: Buffer): Fetched {
  return { url, status, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
}
