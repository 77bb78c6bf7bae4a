import {
  type HubConnection,
  HubConnectionBuilder,
  type IHttpConnectionOptions,
  LogLevel,
} from '@microsoft/signalr'
import { fromBase64, toBase64 } from './base64.ts'
import { CollaborationError, refusalCode } from './collaboration-error.ts'

const HTTP_TIMEOUT_MS = 15_000
/** Largest awareness that the hub takes, characters of Base64. */
const MAX_AWARENESS_LENGTH = 64 * 1024
/** Refusals of JoinDocument that asking again does not change. */
const FINAL_REFUSALS = ['document-not-found', 'permission-missing', 'grant-missing', 'validation-failed']

/** Somebody who has the document open; `connectionId` is null for those who are not in the hub. */
export type ConnectedUser = {
  connectionId: string | null
  userId?: string
  userName: string
  /** `#RRGGBB`. */
  userColor: string
  source?: string
}

/** Answer to RequestSync. */
type SyncAnswer = {
  /** Update that brings us to the server's state. */
  state: Uint8Array
  /** State vector of that. */
  vector: Uint8Array
  /** Another one begins when the document's content is replaced. */
  epoch: number
}

/** Of the SignalR client. */
export type ConnectionOptions = Pick<
  IHttpConnectionOptions,
  'transport' | 'httpClient' | 'headers' | 'withCredentials'
>

export type HubEvents = {
  onUpdate(update: Uint8Array): void
  onAwareness(awareness: Uint8Array, connectionId: string): void
  onError(error: CollaborationError): void
  onUsers(users: readonly ConnectedUser[]): void
  onJoined(user: ConnectedUser): void
  onLeft(connectionId: string): void
  onRestored(versionNumber: number): void
}

type LineOptions = {
  serverUrl: string
  documentId: string
  token: string
  connection?: ConnectionOptions | undefined
}

/**
 * One connection to the hub for one document, from its start to its end; after it comes another one.
 *
 * Source: Nuto Office API, Real-time collaboration.
 */
export class HubLine {
  readonly #connection: HubConnection
  readonly #documentId: string
  /** Never rejects; only for a line that was started. */
  readonly ended: Promise<void>

  constructor({ serverUrl, documentId, token, connection }: LineOptions, events: HubEvents) {
    this.#documentId = documentId
    this.#connection = new HubConnectionBuilder()
      .withUrl(`${serverUrl.replace(/\/+$/, '')}/hubs/document`, {
        timeout: HTTP_TIMEOUT_MS,
        ...connection,
        accessTokenFactory: () => token,
      })
      .configureLogging(LogLevel.None)
      .build()
    this.ended = new Promise((resolve) => this.#connection.onclose(() => resolve()))
    this.#listen(events)
  }

  get connectionId(): string | null {
    return this.#connection.connectionId
  }

  /** @throws HttpError when the hub does not let it in */
  start(): Promise<void> {
    return this.#connection.start()
  }

  stop(): Promise<void> {
    return this.#connection.stop()
  }

  /** @throws CollaborationError `join-refused` */
  async join(user: { name: string; color: string } | undefined): Promise<void> {
    try {
      await this.#connection.invoke('JoinDocument', this.#documentId, user?.name, user?.color)
    } catch (error) {
      const code = refusalCode(error)
      if (code === undefined || !FINAL_REFUSALS.includes(code)) throw error
      throw new CollaborationError('join-refused', `the document cannot be joined: ${code}`, { cause: error })
    }
  }

  async sync(stateVector: Uint8Array): Promise<SyncAnswer> {
    let answer: SyncAnswer | undefined
    const take = (state: string, vector: string, _documentId: string, epoch: number) => {
      answer = { state: fromBase64(state), vector: fromBase64(vector), epoch }
    }
    this.#connection.on('ReceiveFullState', take)
    try {
      await this.#connection.invoke('RequestSync', this.#documentId, toBase64(stateVector))
    } finally {
      this.#connection.off('ReceiveFullState', take)
    }
    // Vector and epoch are told in the event only, and that comes before the result.
    if (answer === undefined) throw new Error('the hub answered RequestSync without ReceiveFullState')
    return answer
  }

  /** Completes when the update is stored. */
  async sendUpdate(update: Uint8Array): Promise<void> {
    await this.#connection.invoke('SendUpdate', this.#documentId, toBase64(update))
  }

  /** Nobody waits for it: the next one says all again. */
  sendAwareness(awareness: Uint8Array): void {
    const base64 = toBase64(awareness)
    if (base64.length > MAX_AWARENESS_LENGTH) return
    this.#connection.send('UpdateAwareness', this.#documentId, base64).catch(() => {})
  }

  #listen(events: HubEvents): void {
    const connection = this.#connection
    const readable = (read: () => void) => {
      try {
        read()
      } catch (cause) {
        const message = 'what the hub sent is no update'
        events.onError(new CollaborationError('update-unreadable', message, { cause }))
      }
    }
    connection.on('ReceiveUpdate', (update: string) => readable(() => events.onUpdate(fromBase64(update))))
    connection.on('ReceiveAwareness', (awareness: unknown, connectionId: string) => {
      // Programs may tell of themselves in other ways.
      if (typeof awareness !== 'string') return
      readable(() => events.onAwareness(fromBase64(awareness), connectionId))
    })
    connection.on('UserList', (users: ConnectedUser[]) => events.onUsers(users))
    connection.on('UserJoined', (connectionId: string, userName: string, userColor: string) =>
      events.onJoined({ connectionId, userName, userColor, source: 'hub' }),
    )
    connection.on('UserLeft', (connectionId: string) => events.onLeft(connectionId))
    connection.on('DocumentRestored', (_documentId: string, versionNumber: number) =>
      events.onRestored(versionNumber),
    )
  }
}
