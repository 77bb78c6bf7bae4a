import { Awareness } from 'y-protocols/awareness'
import type * as Y from 'yjs'
import type { CollaborationError } from './collaboration-error.ts'
import { type ConnectedUser, type ConnectionOptions, HubLine } from './hub-line.ts'
import { LastingLine } from './lasting-line.ts'
import { Listeners } from './listeners.ts'
import { onPage } from './on-page.ts'
import { SharedAwareness } from './shared-awareness.ts'
import { SharedDoc } from './shared-doc.ts'

/** The hub tells a newcomer of others where it can; in larger crowds the rest comes with the next renewal. */
const MOST_GREETED = 50

export type CollaborationStatus = 'connecting' | 'connected' | 'offline' | 'ended'

export type CollaborationOptions = {
  /** Where the service is, with its sub-path if it has one: `https://office.example.com`. */
  serverUrl: string
  documentId: string
  /** An access token or an embed token; a function is asked for each connection, so that a fresh one can be given. */
  token: string | (() => string | Promise<string>)
  /** What is shared. One that has content already brings it along. */
  doc: Y.Doc
  /** To be given with a `doc` that was kept between visits: the `epoch` in which it was shared. */
  epoch?: number
  /** One is made if absent. */
  awareness?: Awareness
  /** Shown to others, also as `user` of the awareness; `color` is `#RRGGBB`. */
  user?: { name: string; color: string }
  /** False: only `connect()` begins. */
  connect?: boolean
  /** The hub's limit, if it is not 1 MiB. */
  maxMessageBytes?: number
  /** Of the SignalR client. */
  connection?: ConnectionOptions
}

export type CollaborationEvents = {
  status: CollaborationStatus
  /** All that others did before is here; false when the connection ends. */
  synced: boolean
  /** Everybody who is there, this page too. */
  users: readonly ConnectedUser[]
  /** All changes of this page are stored by the server, or not yet. */
  saved: boolean
  error: CollaborationError
  /** `versionNumber` is undefined if this page was not told in time, as when it was offline. */
  restored: { versionNumber: number | undefined }
}

/**
 * Shares a Yjs document through `/hubs/document`, for as long as it is not told to stop: it connects
 * again by itself and then sends what was changed meanwhile.
 *
 * It ends for good (`status` is `ended`) by `destroy()`, when the hub refuses token or document, and
 * when the document was restored to an earlier version. What was shared before is no part of the
 * restored document, but still lies in this `Y.Doc`, and Yjs can only ever add to it: sent again it
 * would undo the restoration. So the page must start over, with a fresh `Y.Doc`, a new
 * `NutoCollaboration`, and without what it keeps of the old one between visits.
 *
 * Source: Nuto Office API, Real-time collaboration.
 */
export class NutoCollaboration {
  readonly doc: Y.Doc
  readonly awareness: Awareness
  readonly #options: CollaborationOptions
  readonly #isOwnAwareness: boolean
  readonly #listeners = new Listeners<CollaborationEvents>()
  readonly #sharedAwareness: SharedAwareness
  readonly #sharedDoc: SharedDoc
  readonly #lines: LastingLine
  #line: HubLine | undefined
  #status: CollaborationStatus = 'offline'
  #isSynced = false
  #users: readonly ConnectedUser[] = []
  readonly #leavePage: () => void

  constructor(options: CollaborationOptions) {
    const { doc, epoch, awareness, user, maxMessageBytes } = options
    this.#options = options
    this.doc = doc
    this.awareness = awareness ?? new Awareness(doc)
    this.#isOwnAwareness = awareness === undefined
    if (user !== undefined) this.awareness.setLocalStateField('user', user)
    this.#sharedAwareness = new SharedAwareness(this.awareness, this)
    this.#sharedDoc = new SharedDoc(doc, {
      origin: this,
      epoch,
      maxMessageBytes,
      onSaved: (isSaved) => this.#listeners.tell('saved', isSaved),
      onRestored: () => this.#endRestored(undefined),
      onError: (error) => this.#listeners.tell('error', error),
    })
    this.#lines = new LastingLine({
      token: options.token,
      lineWith: (token) => this.#lineWith(token),
      onConnecting: () => this.#setStatus('connecting'),
      onLine: (line) => this.#takeLine(line),
      onLineEnded: (line) => this.#line === line && this.#leaveLine(),
      onOffline: () => this.#setStatus('offline'),
      onError: (error) => this.#listeners.tell('error', error),
      onGivenUp: () => this.#end(),
    })
    this.#leavePage = onPage({
      online: () => this.#lines.hasten(),
      offline: () => void this.#line?.stop(),
      // Not beforeunload: people may still decide to stay.
      pagehide: () => this.#sayLast(),
    })
    if (options.connect !== false) this.connect()
  }

  get status(): CollaborationStatus {
    return this.#status
  }

  get isSynced(): boolean {
    return this.#isSynced
  }

  /** All changes of this page are stored by the server. */
  get isSaved(): boolean {
    return this.#sharedDoc.isSaved
  }

  /**
   * Number of the history that the `doc` belongs to, undefined until it was synced once. Another one
   * begins when the document is restored.
   */
  get epoch(): number | undefined {
    return this.#sharedDoc.epoch
  }

  get users(): readonly ConnectedUser[] {
    return this.#users
  }

  /** Of this page among the `users`; null while it is not connected. */
  get connectionId(): string | null {
    return this.#line?.connectionId ?? null
  }

  /** @returns ends the listening */
  on<N extends keyof CollaborationEvents>(
    name: N,
    listener: (value: CollaborationEvents[N]) => void,
  ): () => void {
    return this.#listeners.add(name, listener)
  }

  /** Nothing happens if it is connected, or has ended. */
  connect(): void {
    if (this.#status !== 'ended') this.#lines.start()
  }

  /** Until `connect()`. What is edited meanwhile is sent then. */
  disconnect(): void {
    this.#endRun()
    this.#setStatus('offline')
  }

  /** Ends it for good; document and awareness stay with their owner. */
  destroy(): void {
    this.#end()
    this.#leavePage()
    this.#sharedDoc.destroy()
    this.#sharedAwareness.destroy()
    if (this.#isOwnAwareness) this.awareness.destroy()
  }

  #lineWith(token: string): HubLine {
    const { serverUrl, documentId, connection } = this.#options
    /** Events of a connection that was given up are late. */
    const isCurrent = () => this.#line === line
    const line = new HubLine(
      { serverUrl, documentId, token, connection },
      {
        onUpdate: (update) => isCurrent() && this.#sharedDoc.apply(update),
        onAwareness: (awareness, from) => isCurrent() && this.#sharedAwareness.apply(awareness, from),
        onError: (error) => this.#listeners.tell('error', error),
        onUsers: (users) => isCurrent() && this.#setUsers(users),
        onJoined: (user) => isCurrent() && this.#addUser(user),
        onLeft: (connectionId) => isCurrent() && this.#removeUser(connectionId),
        onRestored: (versionNumber) => isCurrent() && this.#endRestored(versionNumber),
      },
    )
    return line
  }

  async #takeLine(line: HubLine): Promise<void> {
    this.#line = line
    await line.join(this.#options.user)
    await this.#sharedDoc.start(line)
    if (this.#line !== line) return
    this.#setStatus('connected')
    this.#isSynced = true
    this.#listeners.tell('synced', true)
    this.#sharedAwareness.start((awareness) => line.sendAwareness(awareness))
  }

  #endRestored(versionNumber: number | undefined): void {
    this.#end()
    this.#listeners.tell('restored', { versionNumber })
  }

  #end(): void {
    this.#endRun()
    this.#setStatus('ended')
  }

  #sayLast(): void {
    this.#sharedDoc.sendAll()
    this.#sharedAwareness.leave()
  }

  #endRun(): void {
    this.#sayLast()
    this.#leaveLine()
    this.#lines.stop()
  }

  #leaveLine(): void {
    this.#line = undefined
    this.#sharedDoc.stop()
    this.#sharedAwareness.stop()
    this.#setUsers([])
    if (!this.#isSynced) return
    this.#isSynced = false
    this.#listeners.tell('synced', false)
  }

  #setStatus(status: CollaborationStatus): void {
    if (status === this.#status || this.#status === 'ended') return
    this.#status = status
    this.#listeners.tell('status', status)
  }

  #addUser(user: ConnectedUser): void {
    const others = this.#users.filter(({ connectionId }) => connectionId !== user.connectionId)
    this.#setUsers([...others, user])
    if (this.#users.length <= MOST_GREETED) this.#sharedAwareness.renew()
  }

  #removeUser(connectionId: string): void {
    this.#setUsers(this.#users.filter((user) => user.connectionId !== connectionId))
    this.#sharedAwareness.forget(connectionId)
  }

  #setUsers(users: readonly ConnectedUser[]): void {
    if (users.length === 0 && this.#users.length === 0) return
    this.#users = users
    this.#listeners.tell('users', users)
  }
}
