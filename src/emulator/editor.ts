import type { Documents } from './documents.ts'
import { EditorSession } from './session.ts'
import type { Edit, EditorEvent, SignedConfig } from './types.ts'

const EVENT_TIMEOUT_MS = 10_000

/** A tab without a browser: what a person with the editor open can do, and the events the host page gets. */
export class EmulatedEditor {
  readonly events: EditorEvent[] = []
  readonly session: EditorSession
  readonly #documents: Documents
  #waiting: { name: string; resolve: (event: EditorEvent) => void }[] = []
  /** What the tab shows in strict mode; in fast mode it shows the document itself. */
  #shown: string[] = []
  readonly #unsaved = new Map<number, string>()
  #unsavedBytes: Buffer | undefined

  constructor(documents: Documents) {
    this.#documents = documents
    this.session = new EditorSession({
      event: (event) => this.#take(event),
      change: (edits) => {
        if (edits) return
        this.#forget()
        this.#shown = this.#current()
      },
    })
  }

  /** Used by `Emulator.open`. */
  async open(config: SignedConfig): Promise<this> {
    await this.#documents.open(this.session, config)
    this.#shown = this.#current()
    return this
  }

  /** True while this tab can edit or view its document. */
  get isOpen(): boolean {
    return this.session.state === 'open'
  }

  get hasUnsavedText(): boolean {
    return this.#unsaved.size > 0 || this.#unsavedBytes !== undefined
  }

  /** The text as this tab shows it. */
  paragraphs(): string[] {
    if (!this.session.isStrict) return this.#current()
    const shown = [...this.#shown]
    for (const [index, text] of this.#unsaved) shown[index] = text
    return shown
  }

  /**
   * Replaces the text of one paragraph; the index after the last appends one (docx).
   *
   * @throws RangeError when the tab is read-only or there is no such paragraph
   */
  type(index: number, text: string): void {
    this.#assertWritable()
    this.#write({ index, text }, () => this.#unsaved.set(index, text))
  }

  /** Replaces the whole file, for types whose text cannot be edited here. @throws RangeError when read-only */
  replaceBytes(bytes: Buffer): void {
    this.#assertWritable()
    this.#write({ bytes }, () => {
      this.#unsavedBytes = bytes
    })
  }

  /** Ctrl+S. Resolves when the callback, if there is one, is answered. */
  async save(): Promise<void> {
    this.#handOver()
    await this.#documents.save(this.session)
  }

  /** The Submit button of a form: a 6 of type 3. */
  async submitForm(fields: unknown = []): Promise<void> {
    this.#handOver()
    await this.#documents.submitForm(this.session, fields)
  }

  /** Closes the tab; what was not handed over is lost. A final save comes later: `Emulator.settled`. */
  async close(): Promise<void> {
    this.#forget()
    await this.#documents.leave(this.session)
  }

  /** The method of DocsAPI: moves this tab to another key. */
  async refreshFile(config: SignedConfig): Promise<void> {
    await this.#documents.refresh(this.session, config)
    if (!this.hasUnsavedText) this.#shown = this.#current()
  }

  /** The first event of this name, past or to come. @throws after `timeoutMs` */
  async waitForEvent(name: string, timeoutMs = EVENT_TIMEOUT_MS): Promise<EditorEvent> {
    const past = this.events.find((event) => event.name === name)
    if (past) return past
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${name} within ${timeoutMs} ms`)), timeoutMs)
      this.#waiting.push({
        name,
        resolve: (event) => {
          clearTimeout(timer)
          resolve(event)
        },
      })
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #assertWritable(): void {
    if (!this.isOpen || !this.session.canType) throw new RangeError('this editor is read-only')
  }

  #write(edit: Edit, keep: () => void): void {
    if (this.session.isStrict) {
      const wasSaved = !this.hasUnsavedText
      keep()
      if (wasSaved) this.session.emit('onDocumentStateChange', true)
      return
    }
    this.session.emit('onDocumentStateChange', true)
    this.#documents.edit(this.session, [edit])
    this.session.emit('onDocumentStateChange', false)
  }

  #handOver(): void {
    if (!this.isOpen || !this.hasUnsavedText) return
    const edits: Edit[] = [...this.#unsaved].map(([index, text]) => ({ index, text }))
    if (this.#unsavedBytes) edits.unshift({ bytes: this.#unsavedBytes })
    this.#documents.edit(this.session, edits)
    this.#forget()
    this.#shown = this.#current()
    this.session.emit('onDocumentStateChange', false)
  }

  #forget(): void {
    this.#unsaved.clear()
    this.#unsavedBytes = undefined
  }

  #current(): string[] {
    return this.session.document?.content?.paragraphs() ?? []
  }

  #take(event: EditorEvent): void {
    this.events.push(event)
    const matching = this.#waiting.filter(({ name }) => name === event.name)
    this.#waiting = this.#waiting.filter(({ name }) => name !== event.name)
    for (const { resolve } of matching) resolve(event)
  }
}
