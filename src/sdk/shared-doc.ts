import * as Y from 'yjs'
import { CollaborationError, type CollaborationErrorCode, refusalCode } from './collaboration-error.ts'
import type { HubLine } from './hub-line.ts'
import { integratedUpdate, missingUpdate, serverStateOf } from './missing-update.ts'
import { Pause, retryDelayMs } from './pause.ts'
import { UnsentUpdates } from './unsent-updates.ts'

/** Largest message that the hub takes unless told otherwise. */
const MAX_MESSAGE_BYTES = 1024 ** 2
/** Of a message around its update. */
const ENVELOPE_BYTES = 512
const LONGEST_REFUSED_MS = 30_000
/** Refusals of SendUpdate that end with a new connection; others are about the update. */
const PASSING_REFUSALS = ['not-joined', 'storage-unavailable', 'too-many-requests', 'shutting-down']

type Options = {
  /** Of what the server sends, in the document's events. */
  origin: unknown
  /** Known from an earlier visit. */
  epoch: number | undefined
  maxMessageBytes: number | undefined
  /** All that was changed here is stored, or not yet. */
  onSaved: (isSaved: boolean) => void
  /** The server has begun another epoch: what is here belongs to the one before. */
  onRestored: () => void
  onError: (error: CollaborationError) => void
}

/** What is changed here told to the server, what others change applied here. */
export class SharedDoc {
  readonly #doc: Y.Doc
  readonly #options: Options
  readonly #unsent: UnsentUpdates
  readonly #refused = new Pause()
  #refusals = 0
  #epoch: number | undefined
  #line: HubLine | undefined
  readonly #onUpdate = (update: Uint8Array, origin: unknown) => {
    if (origin !== this.#options.origin) this.#unsent.add(update)
  }

  constructor(doc: Y.Doc, options: Options) {
    this.#doc = doc
    this.#options = options
    this.#epoch = options.epoch
    const { maxMessageBytes = MAX_MESSAGE_BYTES } = options
    this.#unsent = new UnsentUpdates({
      // Base64 makes four bytes of three.
      maxBytes: Math.floor((maxMessageBytes - ENVELOPE_BYTES) / 4) * 3,
      onSaved: options.onSaved,
      onTooLarge: () => this.#tell('update-too-large', 'a change is larger than the server takes'),
      onFailed: (error) => this.#takeFailure(error),
    })
    if (doc.store.clients.size > 0) this.#unsent.add(integratedUpdate(doc))
    doc.on('update', this.#onUpdate)
  }

  get epoch(): number | undefined {
    return this.#epoch
  }

  get isSaved(): boolean {
    return this.#unsent.isSaved
  }

  /** Brings both sides together; from then on what is changed here is sent. */
  async start(line: HubLine): Promise<void> {
    this.#line = line
    await this.#syncWith(line)
  }

  apply(update: Uint8Array): void {
    Y.applyUpdate(this.#doc, update, this.#options.origin)
  }

  /** Without waiting for anything, before the connection is left. */
  sendAll(): void {
    this.#unsent.sendAll()
  }

  /** What is not confirmed goes on being unsent. */
  stop(): void {
    this.#line = undefined
    this.#refused.end()
    this.#unsent.stop()
  }

  destroy(): void {
    this.stop()
    this.#doc.off('update', this.#onUpdate)
  }

  async #syncWith(line: HubLine): Promise<void> {
    const { state, vector, epoch } = await line.sync(Y.encodeStateVector(this.#doc))
    if (this.#line !== line) return
    if (this.#epoch !== undefined && this.#epoch !== epoch) return this.#options.onRestored()
    this.#epoch = epoch
    const server = serverStateOf(vector, state)
    this.apply(state)
    const send = async (update: Uint8Array) => {
      await line.sendUpdate(update)
      this.#refusals = 0
    }
    this.#unsent.start(send, vector, () => missingUpdate(this.#doc, server))
  }

  #takeFailure(error: unknown): void {
    const line = this.#line
    const code = refusalCode(error)
    if (line === undefined) return
    if (code === 'permission-missing') this.#tell('read-only', 'the token may read only', error)
    else if (code === 'document-restored') this.#options.onRestored()
    else if (code === undefined || PASSING_REFUSALS.includes(code)) {
      // Nothing can be left out: what the server has must be asked anew.
      void line.stop()
    } else {
      if (this.#refusals === 0) this.#tell('update-refused', `the hub does not take a change: ${code}`, error)
      void this.#tryAgain(line)
    }
  }

  /** With all that the server lacks by then: what was refused may be undone. */
  async #tryAgain(line: HubLine): Promise<void> {
    await this.#refused.wait(retryDelayMs(this.#refusals++, LONGEST_REFUSED_MS))
    if (this.#line !== line) return
    try {
      await this.#syncWith(line)
    } catch {
      void line.stop()
    }
  }

  #tell(code: CollaborationErrorCode, message: string, cause?: unknown): void {
    this.#options.onError(new CollaborationError(code, message, { cause }))
  }
}
