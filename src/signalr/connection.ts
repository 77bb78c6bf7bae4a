import { dispatch, type Invocation, type Replies } from './dispatch.ts'
import { ACCEPTED, handshakeError, readHandshake } from './handshake.ts'
import type { Hub, HubConnection } from './hub.ts'
import type { HubEvent } from './hub-event.ts'
import { type Buckets, Inbox } from './inbox.ts'
import { Outbox } from './outbox.ts'
import type { PendingBytes } from './pending-bytes.ts'
import { CLOSE, type CloseReason, Garbage, type Incoming, PING, type Protocol } from './protocol.ts'
import type { Times } from './times.ts'
import type { Transport } from './transport.ts'
import type { Turn, WaitingRoom } from './turn.ts'

/** What clients are told that broke the protocol. Source: dotnet/aspnetcore, HubConnectionHandler. */
export const BROKEN: CloseReason = { error: 'Connection closed with an error.' }

/** What all connections of a server share. */
export type Surroundings<C> = {
  hub: Hub<C>
  limits: { maxMessageBytes: number; mostBufferedBytes: number }
  times: Times
  turn: Turn
  waitingRoom: WaitingRoom
  onError(error: unknown, method: string): void
  onGone(connection: Connection<C>): void
}

/** One client: from its negotiation until its transport is gone. */
export class Connection<C> implements HubConnection<C>, Replies {
  readonly id: string
  /** Secret: whoever knows it may send and receive in the client's place. */
  readonly token: string
  readonly client: C
  readonly clientKey: string
  readonly #all: Surroundings<C>
  readonly #inbox: Inbox
  #outbox: Outbox | undefined
  #transport: Transport | undefined
  /** From the handshake on. */
  #protocol: Protocol | undefined
  /** Since when it is what it is: negotiated, connected, closed. */
  #since = Date.now()
  /** ASP.NET counts a client's silence from its first ping on: some never ping. */
  #hasPinged = false
  #isClosed = false
  #isGone = false

  constructor(
    { id, token }: { id: string; token: string },
    client: C,
    clientKey: string,
    all: Surroundings<C>,
    buckets: Buckets,
  ) {
    this.id = id
    this.token = token
    this.client = client
    this.clientKey = clientKey
    this.#all = all
    this.#inbox = new Inbox((pending) => this.#readNext(pending), buckets, all.waitingRoom)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  get transport(): Transport | undefined {
    return this.#transport
  }

  connect(transport: Transport): void {
    this.#since = Date.now()
    this.#transport = transport
    this.#outbox = new Outbox(transport, this.#all.limits.mostBufferedBytes, this.#since)
  }

  send(event: HubEvent): void {
    const protocol = this.#protocol
    if (protocol === undefined || this.#isClosed) return
    let encoded: Buffer | undefined
    try {
      encoded = event.encodedFor(protocol.name, protocol.event)
    } catch (error) {
      this.onError(error, event.target)
    }
    if (encoded !== undefined) this.#write(encoded)
  }

  close(reason: CloseReason = {}): void {
    if (this.#isClosed) return
    if (this.#protocol !== undefined) this.#outbox?.add(this.#protocol.close(reason))
    this.#end()
  }

  /** @returns a promise while the sender should wait before it sends more */
  receive(bytes: Buffer): Promise<void> | undefined {
    return this.#inbox.receive(bytes)
  }

  sweep(now: number): void {
    const { times } = this.#all
    const age = now - this.#since
    if (this.#isClosed || this.#transport === undefined) {
      if (age > times.abandonedMs) this.drop()
    } else if (this.#protocol === undefined) {
      if (age > times.handshakeMs) this.#refuseHandshake('Handshake was canceled.')
    } else if (!this.#transport.isKeptAlive) {
      this.#keepAlive(this.#protocol, now)
    }
    this.#transport?.sweep?.(now)
  }

  flush(turn: Turn): void {
    this.#outbox?.flush(turn, this.#protocol?.isBinary ?? false)
  }

  /** Ends it at once; what was not written yet is lost. */
  drop(): void {
    this.#finish()
    if (this.#transport === undefined) this.gone()
    else this.#transport.destroy()
  }

  /** The transport has ended. */
  gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#finish()
    this.#all.onGone(this)
  }

  result(invocation: Invocation, result: unknown): void {
    const { invocationId, target } = invocation
    if (invocationId === undefined || this.#protocol === undefined || this.#isClosed) return
    let encoded: Buffer
    try {
      encoded = this.#protocol.result(invocationId, result)
    } catch (error) {
      this.onError(error, target)
      this.error(invocation, `An unexpected error occurred invoking '${target}' on the server.`)
      return
    }
    this.#write(encoded)
  }

  error({ invocationId }: Invocation, text: string): void {
    if (invocationId === undefined || this.#protocol === undefined || this.#isClosed) return
    this.#write(this.#protocol.error(invocationId, text))
  }

  onError(error: unknown, method: string): void {
    this.#all.onError(error, method)
  }

  #readNext(pending: PendingBytes): boolean | Promise<void> {
    if (this.#protocol === undefined) return this.#shakeHands(pending)
    let message: Incoming | undefined
    try {
      message = this.#protocol.next(pending, this.#all.limits.maxMessageBytes)
    } catch (error) {
      if (!(error instanceof Garbage)) throw error
      this.close(BROKEN)
    }
    if (message === undefined) return false
    if (message.type === PING) this.#hasPinged = true
    else if (message.type === CLOSE) this.#end()
    else if (message.type !== 'ignored') {
      return dispatch(this.#all.hub.methods, this, message, this) ?? true
    }
    return true
  }

  #shakeHands(pending: PendingBytes): boolean {
    const read = readHandshake(pending, this.#transport?.supportsBinary ?? false)
    if (read === undefined) return false
    if ('error' in read) {
      this.#refuseHandshake(read.error)
      return false
    }
    this.#protocol = read.protocol
    this.#write(ACCEPTED)
    return true
  }

  #refuseHandshake(error: string): void {
    this.#outbox?.add(handshakeError(error))
    this.#end()
  }

  #keepAlive(protocol: Protocol, now: number): void {
    const { keepAliveMs, clientTimeoutMs } = this.#all.times
    if (this.#hasPinged && this.#inbox.silentMs(now) > clientTimeoutMs) {
      this.close({ allowReconnect: true })
    } else if (now - (this.#outbox?.writtenAt ?? now) >= keepAliveMs) {
      this.#write(protocol.ping)
    }
  }

  #write(message: Buffer): void {
    const outbox = this.#outbox
    if (outbox === undefined) return
    if (!outbox.admits(message.length)) {
      this.drop()
      return
    }
    if (outbox.isEmpty) this.#all.turn.add(this)
    outbox.add(message)
  }

  #end(): void {
    this.flush(this.#all.turn)
    this.#finish()
    if (this.#transport === undefined) this.gone()
    else this.#transport.end()
  }

  #finish(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#since = Date.now()
    this.#inbox.close()
    if (this.#protocol === undefined) return
    // Later: it may be one of the hub's own methods that ends it.
    queueMicrotask(() => {
      try {
        this.#all.hub.onDisconnected(this)
      } catch (error) {
        this.onError(error, 'onDisconnected')
      }
    })
  }
}
