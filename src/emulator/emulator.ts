import type { Router } from 'express'
import { BUILD_NUMBER, BUILD_VERSION } from './bodies.ts'
import { Callbacks } from './callbacks.ts'
import type { EditedDocument } from './document.ts'
import { Documents } from './documents.ts'
import { EmulatedEditor } from './editor.ts'
import { Faults } from './faults.ts'
import { Files } from './files.ts'
import type { ForgottenFile } from './forgotten.ts'
import { type FiredEvent, HostCalls, type MethodCall } from './host-calls.ts'
import type { Settings } from './inbox.ts'
import { OPEN_SOURCE_LICENSE } from './license.ts'
import { Outgoing } from './outgoing.ts'
import { emulatorRoutes } from './routes.ts'
import { Saves, type SavesParts } from './saves.ts'
import {
  DOCUMENT_SERVER_TIMINGS,
  type EmulatorOptions,
  type HandMadeCallback,
  MAX_DOWNLOAD_BYTES,
  type SentCallback,
  type SignedConfig,
  type Timings,
} from './types.ts'
import { Work } from './work.ts'

const MAX_CALLBACKS = 50_000

/** What the routes need. */
export type Parts = SavesParts & {
  settings: Settings
  saves: Saves
  rows: Documents
  outgoing: Outgoing
  hostCalls: HostCalls
  office: string | undefined
  version: () => string
  license: () => typeof OPEN_SOURCE_LICENSE
}

/** A small Document Server: mount `router`, or let `startEmulator` give it a port of its own. */
export class Emulator implements AsyncDisposable {
  readonly router: Router
  readonly faults = new Faults()
  readonly timings: Timings
  /** What the host has refused for good, by key. Set one to prepare a test. */
  readonly forgotten = new Map<string, ForgottenFile>()
  /** What the command `version` answers. */
  version = `${BUILD_VERSION}.${BUILD_NUMBER}`
  /** What the command `license` answers. */
  license = structuredClone(OPEN_SOURCE_LICENSE)
  readonly #settings: Settings
  readonly #work = new Work()
  readonly #callbacks: Callbacks
  readonly #parts: Parts

  constructor(options: EmulatorOptions) {
    const { clock = () => new Date(), log = () => {}, callbackTokens: withTokens = true } = options
    this.#settings = {
      secret: options.secret,
      publicUrl: options.publicUrl.replace(/\/+$/, ''),
      jwtHeader: options.jwtHeader ?? 'Authorization',
      inboxTokens: options.inboxTokens ?? true,
    }
    this.timings = { ...DOCUMENT_SERVER_TIMINGS, ...options.timings }
    const shared = { settings: this.#settings, clock, timings: this.timings, work: this.#work, withTokens }
    const {
      refusesPrivateAddresses = false,
      isContained = false,
      maxDownloadBytes = MAX_DOWNLOAD_BYTES,
    } = options
    const outgoing = new Outgoing({ ...shared, refusesPrivateAddresses, isContained, maxDownloadBytes })
    const { faults, forgotten } = this
    const { urlLifetimeS } = this.timings
    const maxRemembered = options.maxCallbacks ?? MAX_CALLBACKS
    this.#callbacks = new Callbacks({ ...shared, faults, outgoing, maxRemembered, log })
    const files = new Files({ settings: this.#settings, clock, urlLifetimeS, faults })
    const documents = new Map<string, EditedDocument>()
    const parts = { ...shared, faults, files, callbacks: this.#callbacks, forgotten, documents, outgoing }
    const saves = new Saves(parts)
    const rows = new Documents({ ...parts, saves })
    const hostCalls = new HostCalls({ ...parts, maxRemembered })
    this.#parts = {
      ...parts,
      saves,
      rows,
      hostCalls,
      office: options.office,
      version: () => this.version,
      license: () => this.license,
    }
    this.router = emulatorRoutes(this.#parts)
  }

  /** Every POST made, the oldest first. */
  get callbacks(): readonly SentCallback[] {
    return this.#callbacks.sent
  }

  /** What host pages called in the browser, the oldest first; of one document key, or of all. */
  methodCalls(key?: string): readonly MethodCall[] {
    return this.#parts.hostCalls.calls.filter((call) => key === undefined || call.key === key)
  }

  /** The events that host pages got in the browser, the oldest first; of one document key, or of all. */
  firedEvents(key?: string): readonly FiredEvent[] {
    return this.#parts.hostCalls.events.filter((event) => key === undefined || event.key === key)
  }

  get publicUrl(): string {
    return this.#settings.publicUrl
  }

  set publicUrl(url: string) {
    this.#settings.publicUrl = url.replace(/\/+$/, '')
  }

  get secret(): string {
    return this.#settings.secret
  }

  set secret(secret: string) {
    this.#settings.secret = secret
  }

  /**
   * Opens a document as a browser does with this config; `options.token` stands for `config.token`.
   * A failure is told by the events of the editor. Resolves when the document is ready or refused.
   */
  open(config: SignedConfig, options: { token?: string } = {}): Promise<EmulatedEditor> {
    const given = options.token === undefined ? config : { ...config, token: options.token }
    return new EmulatedEditor(this.#parts.rows).open(given)
  }

  /**
   * Posts a hand-made callback, once, to the url of the key's last editor or `options.callbackUrl`.
   *
   * @throws Error when no answer comes or no url is known
   */
  async sendCallback(
    key: string,
    body: { status: number; [field: string]: unknown },
    options: HandMadeCallback = {},
  ): Promise<{ status: number; body: string }> {
    const url = options.callbackUrl ?? this.#parts.documents.get(key)?.callbackUrl
    if (!url) throw new Error(`no callback url is known for ${key}`)
    return this.#callbacks.sendHandMade(url, { key, ...body }, options)
  }

  /** The save of a timer (`autoAssembly`): a 6 of type 2. Resolves when it is answered. */
  async timerSave(key: string): Promise<void> {
    await this.#parts.saves.forcesave(this.#parts.rows.get(key), { type: 2 }).done
  }

  /** Answers GET and HEAD of this path of the mount point with these bytes, no signature asked. */
  serveFile(path: string, bytes: Buffer | (() => Buffer)): void {
    this.#parts.files.serve(path, bytes)
  }

  /** A freshly signed address of these bytes, as a callback carries it. */
  fileUrl(bytes: Buffer, filename = 'output.docx'): string {
    const { files } = this.#parts
    return files.url(files.make(`${files.folder('file')}/${filename}`, bytes), { shardkey: 'file' })
  }

  /** Ids of those who edit this key now. */
  editorsOf(key: string): string[] {
    return this.#parts.rows.get(key)?.editorIds() ?? []
  }

  /** Resolves when no save is planned and no callback, retry or download is under way. */
  settled(): Promise<void> {
    return this.#work.idle()
  }

  async close(): Promise<void> {
    this.#work.close()
    this.#parts.outgoing.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
