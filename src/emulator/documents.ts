import { cameBody } from './bodies.ts'
import { isSuccess } from './callbacks.ts'
import { Content } from './content.ts'
import { EditedDocument } from './document.ts'
import type { Outgoing } from './outgoing.ts'
import type { Saves, SavesParts } from './saves.ts'
import type { EditorSession } from './session.ts'
import { verifyConfig } from './tokens.ts'
import type { Edit, SignedConfig } from './types.ts'

// Codes of onError and onWarning. Source: ONLYOFFICE sdkjs, c_oAscError.ID.
const DOWNLOAD_ERROR = -4
const USER_DROPPED = -100
const SAVE_WARNING = -101
// What the editor says in English.
const DROPPED = 'The file cannot be accessed right now.'

// The callback of a joining editor goes out first; the file is fetched soon after, answered or not.
const CONNECT_HEAD_START_MS = 20
const CONNECT_PATIENCE_MS = 2000
const MAX_ROWS = 50_000

type Parts = SavesParts & {
  settings: { secret: string; jwtHeader: string }
  outgoing: Outgoing
  saves: Saves
}

/** Who edits what: opening, editing, moving on, leaving. */
export class Documents {
  readonly #parts: Parts
  /** The document opened last: its key gets into addresses handed out to the command service. */
  lastOpenedKey = ''

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get(key: string): EditedDocument | undefined {
    const document = this.#parts.documents.get(key)
    if (document?.phase !== 'saved' || document.deadUntil > this.#parts.clock().getTime()) return document
    this.#parts.documents.delete(key)
    return undefined
  }

  /** A new tab. What becomes of it is told by its events and its state. */
  open(session: EditorSession, given: SignedConfig): Promise<void> {
    session.emit('onAppReady')
    return this.#enter(session, given)
  }

  /** `refreshFile`: the tab goes on with another key; text that never left it is lost. */
  async refresh(session: EditorSession, given: SignedConfig): Promise<void> {
    if (session.state === 'dropped' || session.state === 'closed') return
    const wasOpen = session.state === 'open'
    if (given.document.key === session.document?.key) return
    if (!wasOpen) return this.#enter(session, given)
    await Promise.all([this.#exit(session), this.#enter(session, given, { isQuiet: true })])
  }

  async leave(session: EditorSession): Promise<void> {
    if (session.state === 'closed') return
    session.state = session.state === 'dropped' ? 'dropped' : 'closed'
    await this.#exit(session)
  }

  /** The command `drop`: the tab is disabled for good. */
  async drop(session: EditorSession): Promise<void> {
    session.state = 'dropped'
    session.emit('onWarning', { warningCode: USER_DROPPED, warningDescription: DROPPED })
    await this.#exit(session, this.#parts.timings.dropToSaveMs)
  }

  /** @throws RangeError when this tab may not or cannot write that */
  edit(session: EditorSession, edits: readonly Edit[]): void {
    const { document } = session
    if (session.state !== 'open' || !session.canType || !document)
      throw new RangeError('this editor is read-only')
    // Keystrokes during a switch to another key are lost.
    if (!document.content) return
    document.change(session.user, edits, this.#parts.clock())
    for (const other of document.sessions) if (other !== session) other.listener.change?.(edits)
  }

  /** The Save button or Ctrl+S. Resolves when the callback, if any, is answered. */
  async save(session: EditorSession): Promise<void> {
    if (!session.hasForcesave || session.state !== 'open' || !session.canType) return
    await this.#parts.saves.forcesave(session.document, { type: 1, clicker: session.user }).done
  }

  /** @returns true when the host has taken the form */
  async submitForm(session: EditorSession, fields: unknown): Promise<boolean> {
    if (session.state !== 'open' || !session.isEditor) return false
    const formsdata = Buffer.from(JSON.stringify(fields))
    return this.#parts.saves.forcesave(session.document, { type: 3, clicker: session.user, formsdata }).done
  }

  async #enter(session: EditorSession, given: SignedConfig, options = { isQuiet: false }): Promise<void> {
    const { settings, clock, work } = this.#parts
    const { config, errorCode } = verifyConfig(given, { secret: settings.secret, now: clock() })
    if (!config) {
      session.fail(errorCode, errorCode === -21 ? 'The token has expired' : 'The token is not valid')
      return
    }
    const document = this.#row(config)
    if (document.phase !== 'open') {
      // refreshFile with the key that was refused does nothing and fires nothing.
      if (session.refusedKey !== document.key) session.emit('onRequestRefreshFile')
      session.state = 'refused'
      session.refusedKey = document.key
      return
    }
    session.refusedKey = undefined
    session.configure(config)
    session.document = document
    document.register(session)
    if (session.isEditor) document.cancelPlanned()
    this.lastOpenedKey = document.key
    announce(document)
    const connected = this.#connect(session, document)
    await work.run(async () => {
      await waitUpTo(CONNECT_HEAD_START_MS, connected)
      await this.#load(session, document, config.document.url, options.isQuiet)
      await waitUpTo(CONNECT_PATIENCE_MS, connected)
    })
  }

  async #connect(session: EditorSession, document: EditedDocument): Promise<void> {
    if (!session.isEditor) return
    const answer = await this.#parts.saves.tell(session.callbackUrl, cameBody(document, session.user.id))
    if (!answer || isSuccess(answer)) return
    session.emit('onWarning', {
      warningCode: SAVE_WARNING,
      warningDescription: 'The document could not be saved. Please check connection settings.',
    })
  }

  async #load(
    session: EditorSession,
    document: EditedDocument,
    url: string,
    isQuiet: boolean,
  ): Promise<void> {
    try {
      document.loading ??= this.#fetch(document, url)
      document.content ??= await document.loading
    } catch {
      document.loading = undefined
      if (session.document !== document) return
      session.fail(DOWNLOAD_ERROR, 'Download failed')
      await this.#exit(session)
      return
    }
    if (session.document !== document) return
    session.state = 'open'
    if (isQuiet) {
      session.listener.change?.(undefined)
      return
    }
    session.emit('onInfo', { mode: session.isEditor ? 'edit' : 'view' })
    session.emit('onDocumentReady')
  }

  async #fetch(document: EditedDocument, url: string): Promise<Content> {
    const forgotten = this.#parts.forgotten.get(document.key)
    document.isFromForgotten = forgotten !== undefined
    const bytes = forgotten?.bytes ?? (await this.#parts.outgoing.download(url))
    return new Content(bytes, forgotten?.fileType ?? document.fileType)
  }

  async #exit(session: EditorSession, delayMs = this.#parts.timings.closeToSaveMs): Promise<void> {
    const { document } = session
    if (!document) return
    session.document = undefined
    document.sessions.delete(session)
    announce(document)
    // Without content there is nothing to keep: the next opening fetches again.
    const { documents } = this.#parts
    const isIdle = document.sessions.size === 0 && !document.content
    if (isIdle && documents.get(document.key) === document) documents.delete(document.key)
    if (session.isEditor) await this.#parts.saves.afterLeaving(document, session, delayMs)
  }

  #row(config: SignedConfig): EditedDocument {
    const { key, title = '', fileType } = config.document
    const known = this.get(key)
    if (known) return known
    const type = (fileType ?? title.slice(title.lastIndexOf('.') + 1)).toLowerCase()
    const document = new EditedDocument(key, /^[a-z0-9]{1,10}$/.test(type) ? type : 'docx', title)
    this.#parts.documents.set(key, document)
    if (this.#parts.documents.size > MAX_ROWS) this.#dropIdleRow()
    return document
  }

  #dropIdleRow(): void {
    for (const document of this.#parts.documents.values()) {
      if (document.sessions.size > 0 || document.changes.length > 0) continue
      this.#parts.documents.delete(document.key)
      return
    }
  }
}

function announce(document: EditedDocument): void {
  for (const session of document.sessions) session.listener.presence?.()
}

/** Waits for the task, but no longer than this. */
async function waitUpTo(ms: number, task: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
    timer.unref()
  })
  await Promise.race([task, timeout])
  clearTimeout(timer)
}
