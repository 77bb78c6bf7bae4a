import type { Response } from 'express'
import type { Documents } from './documents.ts'
import { EditorSession } from './session.ts'
import type { Edit, SignedConfig } from './types.ts'
import type { Work } from './work.ts'

// A reconnecting stream takes RECONNECT_MS; a tab without one for longer is gone.
const RECONNECT_MS = 300
const GONE_AFTER_MS = 1500
const NEVER_CAME_AFTER_MS = 30_000

/** The server's side of one editor page: messages to it go over one event stream. */
export class BrowserTab {
  readonly #session: EditorSession
  readonly #documents: Documents
  readonly #work: Work
  readonly #onLeft: () => void
  #stream: Response | undefined
  #queued: string[] = []
  #stopWaiting: () => void

  constructor(documents: Documents, work: Work, onLeft: () => void) {
    this.#documents = documents
    this.#work = work
    this.#onLeft = onLeft
    this.#stopWaiting = () => {}
    this.#session = new EditorSession({
      event: (event) => this.#send({ event }),
      change: (edits) => {
        if (edits?.every((edit) => 'index' in edit)) this.#send({ edits })
        else this.#sendContent()
      },
      presence: () => this.#sendUsers(),
    })
  }

  get id(): string {
    return this.#session.id
  }

  async open(config: SignedConfig): Promise<void> {
    await this.#documents.open(this.#session, config)
    this.#sendContent()
    this.#leaveAfter(NEVER_CAME_AFTER_MS)
  }

  stream(response: Response): void {
    this.#stopWaiting()
    this.#stream?.end()
    this.#stream = response
    response.status(200).set({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    })
    response.flushHeaders()
    response.write(`retry: ${RECONNECT_MS}\n\n${this.#queued.splice(0).join('')}`)
    response.on('close', () => {
      if (this.#stream !== response) return
      this.#stream = undefined
      this.#leaveAfter(GONE_AFTER_MS)
    })
  }

  /** Edits of a tab that may not write are dropped; the page shows no way to make them. */
  edit(edits: readonly Edit[]): void {
    if (edits.length === 0 || this.#session.state !== 'open' || !this.#session.canType) return
    try {
      this.#documents.edit(this.#session, edits)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      // What could not be applied disappears from the page as well.
      this.#sendContent()
    }
  }

  async save(edits: readonly Edit[]): Promise<void> {
    this.edit(edits)
    if (this.#session.isStrict) this.#sendContent()
    await this.#documents.save(this.#session)
  }

  async refresh(config: SignedConfig): Promise<void> {
    await this.#documents.refresh(this.#session, config)
    this.#sendContent()
  }

  async leave(edits: readonly Edit[]): Promise<void> {
    this.#stopWaiting()
    this.edit(edits)
    this.#onLeft()
    this.end()
    await this.#documents.leave(this.#session)
  }

  beat(): void {
    this.#stream?.write(': still here\n\n')
  }

  end(): void {
    const stream = this.#stream
    this.#stream = undefined
    stream?.end()
  }

  #leaveAfter(ms: number): void {
    this.#stopWaiting()
    this.#stopWaiting = this.#work.later(ms, () => void this.#work.run(() => this.leave([])))
  }

  #sendContent(): void {
    const { state, document, canType, isStrict } = this.#session
    const content = document?.content
    if (state !== 'open' || !document || !content) return
    this.#send({
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
    this.#send({ users: sessions.map(({ user, isEditor }) => ({ name: user.name, isEditor })) })
  }

  #send(message: object): void {
    const line = `data: ${JSON.stringify(message)}\n\n`
    if (this.#stream) this.#stream.write(line)
    else this.#queued.push(line)
  }
}
