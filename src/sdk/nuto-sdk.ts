import { type FrameChannel, openFrameChannel } from './frame-channel.ts'
import { Listeners } from './listeners.ts'
import { NutoError, type NutoFault } from './nuto-error.ts'
import { type EmbedPermission, embedTokenFor, refusalFor, type Target } from './service-calls.ts'

export type { EmbedPermission, NutoFault }
export { NutoError }

const TYPES = ['docs', 'sheet', 'slide']
/** Of the iframe in the API page's own sample, for a container without a height. */
const DEFAULT_HEIGHT = '600px'
/** A page that is there has said hello before it was loaded; the message may come after the event. */
const HELLO_AFTER_LOAD_MS = 2000
const LOAD_TIMEOUT_MS = 30_000

type AnyCase<Word extends string> = Word | Capitalize<Word> | Uppercase<Word>

/** `savedAt`: ISO 8601, UTC. */
export type SavedVersion = { versionNumber: number; savedAt: string }

export type NutoEditorEvents = {
  /** The document is shown; again after the page in the frame was loaded again. */
  ready: undefined
  /** What was typed, here or by others, is in this version now. */
  save: SavedVersion & { documentId: string }
  error: NutoFault
  /** The editor is gone: destroyed, or closed by its user. Told once. */
  close: undefined
  /** Without the extension. */
  title: { title: string }
  /** The others who have the document open. */
  users: { users: { id: string; name: string }[] }
}

export type NutoEditorOptions = {
  /** With the sub-path, if there is one. */
  serverUrl: string
  documentId: string
  type: AnyCase<'docs' | 'sheet' | 'slide'>
  /** An embed token, or a bearer of the API: then an embed token is asked for. */
  token: string
  /** What to ask for with a bearer; everything if missing, and reading where no more is allowed. */
  permissions?: readonly EmbedPermission[]
  /** `view`: read only, whatever the token allows. */
  mode?: 'edit' | 'view'
  /** Of the editor, like `de` or `pt-BR`; the browser's if missing. */
  lang?: string
  callbacks?: {
    onReady?(): void
    onSave?(saved: NutoEditorEvents['save']): void
    onError?(fault: NutoFault): void
    onClose?(): void
  }
}

/** The editor in a page of another site. Source: Nuto Office API, JavaScript SDK. */
export class NutoEditor {
  readonly #frame = makeFrame()
  readonly #listeners = new Listeners<NutoEditorEvents>()
  readonly #opening = new AbortController()
  readonly #channel: FrameChannel
  readonly #place: HTMLElement
  #target: Target
  #isDestroyed = false
  #wasGreeted = false
  #patience = 0

  /** @throws Error when the container is not there or an option is none */
  constructor(container: string | HTMLElement, options: NutoEditorOptions) {
    const { documentId, type, token, callbacks = {} } = options
    this.#place = elementOf(container)
    const baseUrl = baseUrlOf(options.serverUrl)
    if (!TYPES.includes(String(type).toLowerCase()))
      throw new Error(`NutoEditor: type is one of ${TYPES.join(', ')}, not ${type}`)
    if (!documentId || !token) throw new Error('NutoEditor: documentId and token are needed')
    this.#target = { baseUrl, documentId, token }

    this.#listeners.add('ready', () => callbacks.onReady?.())
    this.#listeners.add('save', (saved) => callbacks.onSave?.(saved))
    this.#listeners.add('close', () => callbacks.onClose?.())
    if (callbacks.onError !== undefined) this.#listeners.add('error', (fault) => callbacks.onError?.(fault))

    this.#channel = openFrameChannel(this.#frame, new URL(baseUrl).origin, {
      onHello: () => this.#greeted(),
      onEvent: (name, data) => this.#happened(name, data),
    })
    this.#open(options).catch((error: unknown) => this.#failed(error))
  }

  /** @returns takes the listener away again */
  on<Name extends keyof NutoEditorEvents>(
    event: Name,
    listener: (data: NutoEditorEvents[Name]) => void,
  ): () => void {
    return this.#listeners.add(event, listener)
  }

  /** Has what is typed stored now. @throws NutoError `grant-missing`, `save-not-arrived`, … */
  async save(): Promise<SavedVersion> {
    const { versionNumber, savedAt } = (await this.#channel.call('save')) as SavedVersion
    return { versionNumber, savedAt }
  }

  /** @throws NutoError `grant-missing`, `validation-failed`, … */
  async setTitle(title: string): Promise<void> {
    await this.#channel.call('setTitle', title)
  }

  destroy(): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    clearTimeout(this.#patience)
    this.#opening.abort()
    this.#channel.close()
    this.#frame.remove()
    this.#listeners.tell('close', undefined)
  }

  async #open({ type, permissions, mode, lang }: NutoEditorOptions): Promise<void> {
    const { baseUrl, documentId } = this.#target
    const token = await embedTokenFor(this.#target, { permissions, signal: this.#opening.signal })
    if (this.#isDestroyed) return
    this.#target = { baseUrl, documentId, token }
    const query = new URLSearchParams({
      token,
      ...(mode === 'view' ? { mode } : {}),
      ...(lang === undefined ? {} : { lang }),
    })
    this.#frame.src = `${baseUrl}/embed/${type.toLowerCase()}/${encodeURIComponent(documentId)}?${query}`
    this.#frame.addEventListener('load', () => {
      if (!this.#wasGreeted) this.#waitForHello(HELLO_AFTER_LOAD_MS)
      this.#wasGreeted = false
    })
    this.#waitForHello(LOAD_TIMEOUT_MS)
    const { height } = getComputedStyle(this.#place)
    if (height === 'auto' || height === '0px') this.#frame.style.height = DEFAULT_HEIGHT
    this.#place.append(this.#frame)
  }

  #greeted(): void {
    this.#wasGreeted = true
    clearTimeout(this.#patience)
    this.#frame.hidden = false
  }

  #waitForHello(ms: number): void {
    clearTimeout(this.#patience)
    this.#patience = window.setTimeout(() => this.#explainSilence(), ms)
  }

  /** A page that says nothing is an error page, which browsers show to no other site. */
  async #explainSilence(): Promise<void> {
    const refusal = await refusalFor(this.#target).catch((error: unknown) => error)
    this.#frame.hidden = true
    this.#failed(refusal ?? new NutoError('editor-not-loaded', 'the page of the editor did not open'))
  }

  #happened(name: string, data: unknown): void {
    const { documentId } = this.#target
    if (name === 'close') this.destroy()
    else if (name === 'ready') this.#listeners.tell(name, undefined)
    else if (name === 'save') this.#listeners.tell(name, { documentId, ...(data as SavedVersion) })
    else if (name === 'title') this.#listeners.tell(name, data as NutoEditorEvents['title'])
    else if (name === 'users') this.#listeners.tell(name, data as NutoEditorEvents['users'])
    else if (name === 'error') this.#failed(data)
  }

  #failed(error: unknown): void {
    if (this.#isDestroyed) return
    const { code = 'failed', message = String(error) } = error as Partial<NutoFault>
    if (!this.#listeners.tell('error', { code, message }))
      reportError(new NutoError(code, `NutoEditor: ${message}`))
  }
}

function elementOf(container: string | HTMLElement): HTMLElement {
  const element = typeof container === 'string' ? document.getElementById(container) : container
  if (element instanceof HTMLElement) return element
  throw new Error(`NutoEditor: there is no element with the id ${String(container)}`)
}

function baseUrlOf(serverUrl: string): string {
  if (!URL.canParse(serverUrl, location.href)) throw new Error(`NutoEditor: serverUrl is no address`)
  const { origin, pathname } = new URL(serverUrl, location.href)
  return origin + pathname.replace(/\/+$/, '')
}

function makeFrame(): HTMLIFrameElement {
  const frame = document.createElement('iframe')
  // The page offers to be closed only where somebody is there to do it.
  frame.name = 'nuto-editor'
  frame.title = 'Document editor'
  frame.allow = 'fullscreen; clipboard-read; clipboard-write'
  frame.allowFullscreen = true
  frame.referrerPolicy = 'no-referrer'
  Object.assign(frame.style, { width: '100%', height: '100%', border: '0' })
  return frame
}
