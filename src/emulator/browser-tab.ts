import type { Response } from 'express'
import { Content } from './content.ts'
import { type Copy, makeCopy } from './copies.ts'
import type { Parts } from './emulator.ts'
import type { CallAnswer, MethodCall } from './host-calls.ts'
import { fieldsOf } from './method-tokens.ts'
import { EditorSession } from './session.ts'
import { TabStream } from './tab-stream.ts'
import type { Edit, SignedConfig } from './types.ts'

const MAX_WAITING_CALLS = 100

/** The server's side of one editor page. */
export class BrowserTab {
  readonly #session: EditorSession
  readonly #parts: Parts
  readonly #onLeft: () => void
  readonly #stream: TabStream
  /** The key that the host page asked for last. */
  #key = ''
  /** Calls whose changes the browser still fetches, by the number that it got. */
  readonly #calls = new Map<number, MethodCall>()
  #lastNumber = 0
  /** What the history shows. */
  #shown: { version: unknown; fileType: string; bytes: Buffer } | undefined
  #title = ''

  constructor(parts: Parts, onLeft: () => void) {
    this.#parts = parts
    this.#onLeft = onLeft
    this.#stream = new TabStream(parts.work, () => this.leave([]))
    this.#session = new EditorSession({
      event: (event) => this.#stream.send({ event }),
      change: (edits) => {
        // In strict mode others' changes are shown at the next save; a strict viewer never gets them.
        if (edits && this.#session.isStrict) this.#stream.send({ isChangedByOthers: true })
        else if (edits?.every((edit) => 'index' in edit)) this.#stream.send({ edits })
        else this.#sendContent()
      },
      presence: () => this.#sendUsers(),
    })
  }

  get id(): string {
    return this.#session.id
  }

  async open(config: SignedConfig): Promise<void> {
    this.#takeConfig('DocEditor', config)
    await this.#parts.rows.open(this.#session, config)
    this.#sendContent()
    this.#stream.expect()
  }

  stream(response: Response): void {
    this.#stream.attach(response)
  }

  /** Edits of a tab that may not write are dropped; the page shows no way to make them. */
  edit(edits: readonly Edit[]): void {
    if (edits.length === 0 || this.#session.state !== 'open' || !this.#session.canType) return
    try {
      this.#parts.rows.edit(this.#session, edits)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      // What could not be applied disappears from the page as well.
      this.#sendContent()
    }
  }

  async save(edits: readonly Edit[]): Promise<void> {
    this.edit(edits)
    if (this.#session.isStrict) this.#sendContent()
    await this.#parts.rows.save(this.#session)
  }

  /** The Submit button of a form. */
  async submit(edits: readonly Edit[], fields: unknown): Promise<void> {
    this.edit(edits)
    const isTaken = await this.#parts.rows.submitForm(this.#session, fields)
    if (isTaken) this.#session.emit('onSubmit')
  }

  /** The user's switch between fast and strict. */
  setStrict(isStrict: boolean, edits: readonly Edit[]): void {
    this.edit(edits)
    this.#session.isStrict = isStrict
    this.#sendContent()
  }

  async refresh(config: SignedConfig): Promise<void> {
    this.#takeConfig('refreshFile', config)
    await this.#parts.rows.refresh(this.#session, config)
    this.#sendContent()
  }

  /** Showing the history or losing the rights ends the editing; the page stays. */
  async disconnect(edits: readonly Edit[]): Promise<void> {
    this.edit(edits)
    await this.#parts.rows.leave(this.#session)
  }

  async call(method: string, argument: unknown): Promise<CallAnswer & { number: number }> {
    const { call, answer, bytes } = await this.#parts.hostCalls.take(this.#key, method, argument)
    this.#lastNumber += 1
    if (answer.changes && this.#calls.size < MAX_WAITING_CALLS) this.#calls.set(this.#lastNumber, call)
    const { version, fileType } = fieldsOf(argument)
    if (method === 'setHistoryData' && bytes[0] && answer.errorCode === undefined) {
      this.#shown = { version, fileType: typeof fileType === 'string' ? fileType : 'docx', bytes: bytes[0] }
    }
    return { number: this.#lastNumber, ...answer }
  }

  addChanges(number: number, status: number, bytes: Buffer): void {
    const call = this.#calls.get(number)
    if (call) this.#parts.hostCalls.addChanges(call, status, bytes)
    this.#calls.delete(number)
  }

  addEvent(name: string, data: unknown): void {
    this.#parts.hostCalls.addEvent(this.#key, name, data)
  }

  /** @param version of the history that is shown; undefined: what the tab shows, with these edits */
  async copy(edits: readonly Edit[], wanted?: string, version?: unknown): Promise<Copy | undefined> {
    const shown = this.#shown?.version === version ? this.#shown : undefined
    const source = version === undefined ? this.#current(edits) : shown
    const title = this.#session.document?.title ?? this.#title
    return source && makeCopy(this.#parts, { ...source, key: this.#key, title }, wanted)
  }

  async leave(edits: readonly Edit[]): Promise<void> {
    this.edit(edits)
    this.#onLeft()
    this.end()
    await this.#parts.rows.leave(this.#session)
  }

  beat(): void {
    this.#stream.beat()
  }

  end(): void {
    this.#stream.end()
  }

  #takeConfig(method: string, config: SignedConfig): void {
    const { key, title } = config.document
    this.#key = key
    this.#title = typeof title === 'string' ? title : ''
    this.#parts.hostCalls.takeConfig(method, config)
  }

  #current(edits: readonly Edit[]): { fileType: string; bytes: Buffer } | undefined {
    const { content } = this.#session.document ?? {}
    if (!content) return undefined
    const copy = new Content(content.bytes(), content.fileType)
    if (this.#session.canType && copy.isEditable) for (const edit of edits) copy.apply(edit)
    return { fileType: copy.fileType, bytes: copy.bytes() }
  }

  #sendContent(): void {
    const { state, document, canType, isStrict } = this.#session
    const content = document?.content
    if (state !== 'open' || !document || !content) return
    this.#stream.send({
      content: {
        title: document.title,
        fileType: document.fileType,
        paragraphs: content.paragraphs(),
        isReadable: content.isEditable,
        canType: canType && content.isEditable,
        isStrict,
      },
    })
    this.#sendUsers()
  }

  #sendUsers(): void {
    const sessions = [...(this.#session.document?.sessions ?? [])]
    this.#stream.send({ users: sessions.map(({ user, isEditor }) => ({ name: user.name, isEditor })) })
  }
}
