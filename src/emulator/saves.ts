import {
  changesArchive,
  finalBody,
  forcesaveBody,
  leftBody,
  savedType,
  type Urls,
  unchangedBody,
} from './bodies.ts'
import { type CallbackFields, type Callbacks, isRetryable, isSuccess } from './callbacks.ts'
import type { Built, EditedDocument, ForcesaveState } from './document.ts'
import type { Faults } from './faults.ts'
import type { Files } from './files.ts'
import type { ForgottenFile } from './forgotten.ts'
import type { EditorSession } from './session.ts'
import type { CallbackAnswer, ForcesaveType, Timings, User } from './types.ts'
import type { Work } from './work.ts'

export type SavesParts = {
  clock: () => Date
  timings: Timings
  work: Work
  faults: Faults
  files: Files
  callbacks: Callbacks
  forgotten: Map<string, ForgottenFile>
  documents: Map<string, EditedDocument>
}

export type ForcesaveRequest = {
  type: ForcesaveType
  userdata?: string | undefined
  /** Who pressed Save or submitted the form. */
  clicker?: User | undefined
  formsdata?: Buffer | undefined
  /** The address by which the command came, and the shard it named. */
  base?: string | undefined
  shardkey?: string | undefined
}

/**
 * `error` as the command answers it; `done` resolves when the 6 or 7 was answered, at once if none
 * follows: true when the host has taken the file. A repeated one is sent before the command is answered.
 */
type ForcesaveStart = { error: 0 | 1 | 3 | 4; done: Promise<boolean>; isRepeated: boolean }

/** Forced and final saves. */
export class Saves {
  readonly #parts: SavesParts

  constructor(parts: SavesParts) {
    this.#parts = parts
  }

  /** A callback without consequence. @returns undefined when nobody gave a callback url */
  async tell(url: string | undefined, fields: CallbackFields): Promise<CallbackAnswer | undefined> {
    return url === undefined ? undefined : this.#parts.callbacks.send(url, fields)
  }

  /** What follows when an editor has left. Resolves when the callback sent at once, if any, is answered. */
  async afterLeaving(document: EditedDocument, session: EditorSession, delayMs: number): Promise<void> {
    const { work } = this.#parts
    if (document.editors().length > 0) {
      await this.tell(session.callbackUrl, leftBody(document, session.user.id))
    } else if (this.#hasSomethingToSave(document)) {
      const { user } = session
      document.plan(work.later(delayMs, () => this.#startFinal(document, user)))
    } else {
      await this.tell(session.callbackUrl, unchangedBody(document, session.user.id))
    }
  }

  forcesave(document: EditedDocument | undefined, request: ForcesaveRequest): ForcesaveStart {
    const nothing = (error: 1 | 3 | 4) => ({ error, done: Promise.resolve(false), isRepeated: false })
    if (!document) return nothing(1)
    // When the last editor has left, the final save will bring everything.
    if (document.phase !== 'open' || document.editors().length === 0) return nothing(4)
    if (request.type === 3) {
      return { error: 0, done: this.#force(document, request, undefined), isRepeated: false }
    }
    const state = document.forcesave
    if (!state || state.isRunning || state.isStored) return nothing(4)
    if (state.isBroken) {
      state.isBroken = false
      return nothing(3)
    }
    state.isRunning = true
    const isRepeated = state.refused !== undefined
    return { error: 0, done: this.#force(document, request, state), isRepeated }
  }

  async #force(
    document: EditedDocument,
    request: ForcesaveRequest,
    state: ForcesaveState | undefined,
  ): Promise<boolean> {
    const { work, timings, faults, clock } = this.#parts
    return work.run(async () => {
      const repeated = state?.refused
      if (!repeated) await work.sleep(timings.forcesaveMs).catch(() => {})
      // No forced save after or during the final one.
      if (work.signal.aborted || document.phase !== 'open') return false
      const author = document.lastAuthor ?? request.clicker ?? { id: '', name: '' }
      const isBroken = !repeated && faults.takeConverterFailure(document.key)
      const built = repeated?.built ?? (isBroken ? undefined : this.#build(document))
      const userdata = repeated ? repeated.userdata : request.userdata
      const fields = forcesaveBody(document, {
        urls: built && this.#urls(document, built, request),
        type: request.type,
        author: author.id,
        clicker: request.clicker?.id,
        userdata,
        formsdataurl: built && request.formsdata && this.#formsUrl(document, built, request.formsdata),
        isRepeated: repeated !== undefined,
        now: clock(),
      })
      const url = document.callbackUrlOf((request.clicker ?? author).id)
      const answer = await this.tell(url, fields)
      const isStored = built !== undefined && answer !== undefined && isSuccess(answer)
      if (!state) return isStored
      state.isRunning = false
      state.isBroken = isBroken
      state.isStored = isStored
      state.refused = built && !isStored ? { built, userdata } : undefined
      return isStored
    })
  }

  #startFinal(document: EditedDocument, leaver: User): void {
    const { work, faults } = this.#parts
    if (!this.#hasSomethingToSave(document)) {
      // The forgotten file was deleted meanwhile.
      void this.tell(document.callbackUrlOf(leaver.id), unchangedBody(document, leaver.id))
      return
    }
    const built = faults.takeConverterFailure(document.key) ? undefined : this.#build(document)
    void work.run(() => this.#sendFinal(document, { leaver, built, attempt: 0 }))
  }

  async #sendFinal(
    document: EditedDocument,
    save: { leaver: User; built: Built | undefined; attempt: number },
  ): Promise<void> {
    const { work, timings, clock, forgotten, documents } = this.#parts
    const { leaver, built, attempt } = save
    document.phase = 'sending'
    const author = document.lastAuthor ?? leaver
    const answer = await this.tell(
      document.callbackUrlOf(author.id),
      finalBody(document, {
        // Each attempt carries fresh signatures of the same files.
        urls: built && this.#urls(document, built, {}),
        author: author.id,
        leaver: leaver.id,
        now: clock(),
      }),
    )
    document.phase = 'open'
    const delayMs = timings.retryDelaysMs[attempt]
    if (answer && isSuccess(answer)) {
      document.endSession(clock().getTime() + timings.keyDeadMs)
      forgotten.delete(document.key)
    } else if (answer && isRetryable(answer) && delayMs !== undefined) {
      const next = { leaver, built, attempt: attempt + 1 }
      document.plan(work.later(delayMs, () => void work.run(() => this.#sendFinal(document, next))))
    } else if (built) {
      const fileType = savedType(document.fileType)
      forgotten.set(document.key, { bytes: built.document.bytes, fileType, storedAt: clock() })
      if (documents.get(document.key) === document) documents.delete(document.key)
    }
    // A refused status 3 leaves row and changes as they are.
  }

  #hasSomethingToSave(document: EditedDocument): boolean {
    return (
      document.changes.length > 0 ||
      (document.isFromForgotten && this.#parts.forgotten.has(document.key) && document.phase === 'open')
    )
  }

  #build(document: EditedDocument): Built {
    const { files, forgotten } = this.#parts
    const folder = files.folder(document.key)
    const bytes = document.content?.bytes() ?? Buffer.alloc(0)
    const isForgotten = document.isFromForgotten && forgotten.has(document.key)
    return {
      document: files.make(`${folder}/output.${savedType(document.fileType)}`, bytes),
      changes: isForgotten
        ? undefined
        : files.make(`${folder}/changes.zip`, changesArchive(document.changes)),
    }
  }

  #urls(
    document: EditedDocument,
    built: Built,
    via: { base?: string | undefined; shardkey?: string | undefined },
  ): Urls {
    const options = { shardkey: via.shardkey ?? document.key, base: via.base }
    return {
      url: this.#parts.files.url(built.document, options),
      changesurl: built.changes && this.#parts.files.url(built.changes, options),
    }
  }

  #formsUrl(document: EditedDocument, built: Built, formsdata: Buffer): string {
    const { files } = this.#parts
    const path = built.document.path.replace(/[^/]+$/, 'formsdata.json')
    return files.url(files.make(path, formsdata), { shardkey: document.key })
  }
}
