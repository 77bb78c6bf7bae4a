import { createHash } from 'node:crypto'
import type { Content } from './content.ts'
import type { CacheFile } from './files.ts'
import type { EditorSession } from './session.ts'
import type { Edit, User } from './types.ts'

/** One entry of `history.changes`: what one author did until another one went on. */
export type Change = { created: Date; user: User; edits: Edit[] }

/** The files of one conversion; `changes` is missing when the document was opened from the forgotten store. */
export type Built = { document: CacheFile; changes: CacheFile | undefined }

/** How far the newest change has got by forced saves; a new change starts a new one. */
export type ForcesaveState = {
  isRunning: boolean
  /** The host has acknowledged exactly this state. */
  isStored: boolean
  /** The conversion failed; the next command answers 3. */
  isBroken: boolean
  /** Built and refused: re-sent as it is, with the first command's userdata. */
  refused: { built: Built; userdata: string | undefined } | undefined
}

/** One document key with everything the emulator knows of it ("row" in Document Server's words). */
export class EditedDocument {
  readonly key: string
  readonly fileType: string
  title: string
  content: Content | undefined
  loading: Promise<Content> | undefined
  isFromForgotten = false
  /**
   * `sending`: a final save waits for its answer; `saved`: it was taken and the key is dead until
   * `deadUntil`. Both refuse editors.
   */
  phase: 'open' | 'sending' | 'saved' = 'open'
  deadUntil = 0
  readonly sessions = new Set<EditorSession>()
  changes: Change[] = []
  lastChangeAt: Date | undefined
  lastAuthor: User | undefined
  forcesave: ForcesaveState | undefined
  /** The callback url registered last, by whomever. */
  callbackUrl: string | undefined
  baseSha256 = ''
  readonly #callbackUrls = new Map<string, string>()
  #cancelPlanned: (() => void) | undefined

  constructor(key: string, fileType: string, title: string) {
    this.key = key
    this.fileType = fileType
    this.title = title
  }

  editors(): EditorSession[] {
    return [...this.sessions].filter((session) => session.isEditor)
  }

  /** Ids of those who edit, each once, in the order of joining. */
  editorIds(): string[] {
    return [...new Set(this.editors().map((session) => session.user.id))]
  }

  register(session: EditorSession): void {
    this.sessions.add(session)
    if (!session.callbackUrl) return
    this.callbackUrl = session.callbackUrl
    this.#callbackUrls.set(session.user.id, session.callbackUrl)
  }

  /** The url of the user's last tab, else the last one of all. */
  callbackUrlOf(userId: string): string | undefined {
    return this.#callbackUrls.get(userId) ?? this.callbackUrl
  }

  /** @throws RangeError when the content cannot take an edit; earlier ones stay */
  change(user: User, edits: readonly Edit[], now: Date): void {
    if (!this.content) throw new RangeError('the document is not loaded')
    this.baseSha256 ||= createHash('sha256').update(this.content.bytes()).digest('hex')
    for (const edit of edits) {
      this.content.apply(edit)
      const last = this.changes.at(-1)
      if (last?.user.id === user.id) last.edits.push(edit)
      else this.changes.push({ created: now, user, edits: [edit] })
      this.lastChangeAt = now
      this.lastAuthor = user
      this.forcesave = { isRunning: false, isStored: false, isBroken: false, refused: undefined }
    }
  }

  /** A final save or its next attempt; planning a new one or cancelling ends the former. */
  plan(cancel: () => void): void {
    this.cancelPlanned()
    this.#cancelPlanned = cancel
  }

  cancelPlanned(): void {
    this.#cancelPlanned?.()
    this.#cancelPlanned = undefined
  }

  /** Forgets the changes and everything built on them. */
  endSession(deadUntil: number): void {
    this.phase = 'saved'
    this.deadUntil = deadUntil
    this.changes = []
    this.forcesave = undefined
    if (this.sessions.size === 0) this.content = undefined
  }
}
