import type { Deps } from '../core/deps.ts'
import type { RoomMember, RoomMessage } from '../core/updates/room-message.ts'
import type { Updates } from '../core/updates/updates.ts'
import type { HubConnection } from '../signalr/hub.ts'
import { HubEvent } from '../signalr/hub-event.ts'
import type { HubClient } from './access.ts'

export type Member = {
  connection: HubConnection<HubClient>
  about: RoomMember
  /** The epoch it joined; one that has ended gets nothing more until it joins again. */
  epoch: number
  awareness: unknown
  /** What it is told once it knows who is there; undefined: it knows. */
  held: HubEvent[] | undefined
}

type UpdatesMessage = Extract<RoomMessage, { kind: 'updates' }>

/**
 * The members of one document on this node, told what any node says of it. Updates go out in the
 * order of their sequence numbers, each once; what the backplane lost is read from the log.
 */
export class Room {
  readonly documentId: string
  readonly #updates: Pick<Updates, 'positionOf' | 'since' | 'state'>
  readonly #log: Deps['log']
  readonly #members = new Map<string, Member>()
  readonly #end: () => void
  #position: { epoch: number; seq: number } | undefined
  #messages: RoomMessage[] = []
  #isTaking = false
  /** Fails when the database cannot say where the log is. */
  readonly ready: Promise<void>

  constructor(
    documentId: string,
    { events, log }: Pick<Deps, 'events' | 'log'>,
    updates: Pick<Updates, 'positionOf' | 'since' | 'state'>,
  ) {
    this.documentId = documentId
    this.#updates = updates
    this.#log = log
    // Before the position is read: what comes meanwhile waits.
    this.#end = events.onRoom(documentId, (message) => {
      this.#messages.push(message)
      void this.#take()
    })
    this.ready = this.#begin()
  }

  get size(): number {
    return this.#members.size
  }

  async #begin(): Promise<void> {
    this.#position = await this.#updates.positionOf(this.documentId)
    void this.#take()
  }

  close(): void {
    this.#end()
  }

  /** From here on nothing passes it by; it is told with `greet`. */
  add(member: Member): void {
    // What was read from the database may be older than what this room was told, or newer.
    const epoch = Math.max(member.epoch, this.#position?.epoch ?? 0)
    if (epoch !== this.#position?.epoch) this.#position = { epoch, seq: 0 }
    this.#members.set(member.about.connectionId, Object.assign(member, { epoch }))
  }

  /** Tells a newcomer who is there and what they last said of themselves, then what has happened since it was added. */
  greet(member: Member, users: HubEvent): void {
    const { held = [], connection, about } = member
    member.held = undefined
    connection.send(users)
    for (const [connectionId, { awareness }] of this.#members) {
      if (awareness === undefined || connectionId === about.connectionId) continue
      connection.send(this.#event('ReceiveAwareness', awareness, connectionId))
    }
    for (const event of held) connection.send(event)
  }

  remove(connectionId: string): void {
    this.#members.delete(connectionId)
  }

  async #take(): Promise<void> {
    if (this.#isTaking || this.#position === undefined) return
    this.#isTaking = true
    for (;;) {
      const message = this.#messages.shift()
      if (message === undefined) break
      try {
        if (message.kind !== 'updates') this.#tell(message)
        else if (this.#isNext(message)) this.#relay(message)
        else await this.#fillGap(message)
      } catch (error) {
        this.#log.error({ err: error, document: this.documentId }, 'a message to a room was lost')
      }
    }
    this.#isTaking = false
  }

  #tell(message: Exclude<RoomMessage, UpdatesMessage>): void {
    switch (message.kind) {
      case 'awareness': {
        const from = this.#members.get(message.from)
        if (from !== undefined) from.awareness = message.data
        this.#send(this.#event('ReceiveAwareness', message.data, message.from), message.from)
        break
      }
      case 'joined': {
        const { connectionId, userName, userColor } = message.member
        this.#send(this.#event('UserJoined', connectionId, userName, userColor), connectionId)
        break
      }
      case 'left':
        this.#send(this.#event('UserLeft', message.connectionId), message.connectionId)
        break
      case 'restored': {
        const { epoch, versionNumber } = message
        if (this.#position === undefined || epoch > this.#position.epoch) this.#position = { epoch, seq: 0 }
        const event = new HubEvent('DocumentRestored', this.documentId, versionNumber)
        for (const member of this.#members.values()) {
          if (member.epoch < epoch) tell(member, event)
        }
      }
    }
  }

  #isNext({ epoch, seq }: UpdatesMessage): boolean {
    return epoch === this.#position?.epoch && seq === this.#position.seq + 1
  }

  #relay({ epoch, seq, updates }: UpdatesMessage): void {
    this.#position = { epoch, seq: seq + updates.length - 1 }
    for (const [from, base64] of updates) this.#send(this.#event('ReceiveUpdate', base64, from), from, epoch)
  }

  /** Messages of an ended epoch, and those that came twice, are passed over. */
  async #fillGap({ epoch, seq, updates }: UpdatesMessage): Promise<void> {
    const known = this.#position
    if (known === undefined || epoch < known.epoch) return
    const from = epoch > known.epoch ? 0 : known.seq
    const last = seq + updates.length - 1
    if (last <= from) return
    try {
      const missed = await this.#updates.since(this.documentId, epoch, from)
      if (missed === undefined) await this.#sendState(epoch)
      else {
        for (const one of missed) this.#sendBytes(one.update, epoch)
        this.#position = { epoch, seq: missed.at(-1)?.seq ?? from }
      }
    } catch (error) {
      // Whoever is cut off comes back and syncs: nobody is left with a hole.
      this.#log.error({ err: error, document: this.documentId }, 'missed updates cannot be read')
      for (const { connection } of this.#members.values()) connection.close({ allowReconnect: true })
    }
  }

  /** The log was compacted meanwhile: the whole is an update too. */
  async #sendState(epoch: number): Promise<void> {
    const state = await this.#updates.state(this.documentId)
    if (state.epoch !== epoch) return
    this.#sendBytes(state.update, epoch)
    this.#position = { epoch, seq: state.seq }
  }

  #sendBytes(update: Uint8Array, epoch: number): void {
    const base64 = Buffer.from(update.buffer, update.byteOffset, update.length).toString('base64')
    this.#send(this.#event('ReceiveUpdate', base64, ''), undefined, epoch)
  }

  #event(target: string, ...args: unknown[]): HubEvent {
    return new HubEvent(target, ...args, this.documentId)
  }

  /** @param except the sender: nothing comes back to where it came from */
  #send(event: HubEvent, except: string | undefined, epoch?: number): void {
    for (const [connectionId, member] of this.#members) {
      if (connectionId === except || (epoch !== undefined && member.epoch !== epoch)) continue
      tell(member, event)
    }
  }
}

function tell({ held, connection }: Member, event: HubEvent): void {
  if (held === undefined) connection.send(event)
  else held.push(event)
}
