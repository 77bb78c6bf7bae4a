import type { Deps } from '../core/deps.ts'
import type { RoomMember, RoomMessage } from '../core/updates/room-message.ts'
import type { HubConnection } from '../signalr/hub.ts'
import { HubEvent } from '../signalr/hub-event.ts'
import type { HubClient } from './access.ts'
import { RoomUpdates, type UpdatesLog } from './room-updates.ts'
import type { Position, UpdatesMessage } from './update-order.ts'

export type Member = {
  connection: HubConnection<HubClient>
  about: RoomMember
  /** The epoch it joined; one that has ended gets nothing more until it joins again. */
  epoch: number
  awareness: unknown
  /** What it is told once it knows who is there; undefined: it knows. */
  held: HubEvent[] | undefined
}

/**
 * The members of one document on this node, told what any node says of it. Updates go out in the
 * order of their sequence numbers, each once; what the backplane lost is read from the log.
 */
export class Room {
  readonly documentId: string
  readonly #events: Deps['events']
  readonly #updatesLog: UpdatesLog
  readonly #headNumber: () => Promise<number>
  readonly #log: Deps['log']
  readonly #members = new Map<string, Member>()
  readonly #end: () => void
  #updates: RoomUpdates | undefined
  #messages: RoomMessage[] = []
  #isTaking = false
  /** Updates that others wait for are to be read from the log. */
  #isMissing = false
  /** The one that members know of. */
  #toldEpoch = 0
  /** Whoever waits for the room to catch up with the log. */
  #behind: PromiseWithResolvers<void> | undefined
  /** Fails when the database cannot say where the log is. */
  readonly ready: Promise<void>

  /** @param headNumber of the document's current version */
  constructor(
    documentId: string,
    { events, log }: Pick<Deps, 'events' | 'log'>,
    updatesLog: UpdatesLog,
    headNumber: () => Promise<number>,
  ) {
    this.documentId = documentId
    this.#events = events
    this.#updatesLog = updatesLog
    this.#headNumber = headNumber
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
    await this.#events.heard()
    const position = await this.#updatesLog.positionOf(this.documentId)
    this.#updates = new RoomUpdates(this.documentId, this.#updatesLog, position, {
      onUpdate: (base64, from, epoch) => this.#send(this.#event('ReceiveUpdate', base64, from), from, epoch),
      onMissing: () => {
        this.#isMissing = true
        void this.#take()
      },
    })
    this.#toldEpoch = position.epoch
    void this.#take()
  }

  close(): void {
    this.#updates?.close()
    this.#end()
  }

  /** Messages may have been missed: what the log has beyond those that were heard goes out. Never rejects. */
  catchUp(): Promise<void> {
    this.#behind ??= Promise.withResolvers()
    const { promise } = this.#behind
    void this.#take()
    // A room that never began has nobody in it.
    return this.ready.then(
      () => promise,
      () => {},
    )
  }

  /** The log has what has not gone out. */
  isBehind(position: Position): boolean {
    return this.#updates?.isBehind(position) === true
  }

  tellAll(event: HubEvent): void {
    for (const member of this.#members.values()) tell(member, event)
  }

  /** From here on nothing passes it by; it is told with `greet`. */
  add(member: Member): void {
    // What was read from the database may be older than what this room was told, or newer.
    const epoch = Math.max(member.epoch, this.#updates?.epoch ?? 0)
    this.#members.set(member.about.connectionId, Object.assign(member, { epoch }))
    this.#updates?.enter(epoch)
    void this.#take()
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

  /** A member's update goes to the log: it comes back as a message, or `notStored` is called. */
  sent(from: string, base64: string): void {
    this.#updates?.sent(from, base64)
  }

  notStored(base64: string): void {
    this.#updates?.notStored(base64)
  }

  remove(connectionId: string): void {
    this.#members.delete(connectionId)
  }

  async #take(): Promise<void> {
    const updates = this.#updates
    if (this.#isTaking || updates === undefined) return
    this.#isTaking = true
    const hasWork = () =>
      this.#messages.length > 0 ||
      this.#isMissing ||
      this.#behind !== undefined ||
      updates.epoch > this.#toldEpoch
    while (hasWork()) {
      try {
        const message = this.#messages.shift()
        if (message?.kind === 'updates') updates.take(message)
        else if (message !== undefined) this.#tell(message, updates)
        else if (updates.epoch > this.#toldEpoch) await this.#tellMoved(updates.epoch)
        else await this.#readLog(updates)
      } catch (error) {
        this.#log.error({ err: error, document: this.documentId }, 'a message to a room was lost')
      }
    }
    this.#isTaking = false
  }

  async #readLog(updates: RoomUpdates): Promise<void> {
    const behind = this.#behind
    this.#behind = undefined
    this.#isMissing = false
    try {
      await (behind === undefined ? updates.readMissing() : updates.catchUp())
    } catch (error) {
      this.#cutOff(error)
    } finally {
      behind?.resolve()
    }
  }

  /** Whoever is cut off comes back and syncs: nobody is left with a hole. */
  #cutOff(error: unknown): void {
    this.#log.error({ err: error, document: this.documentId }, 'what was missed cannot be read')
    for (const { connection } of this.#members.values()) connection.close({ allowReconnect: true })
  }

  #tell(message: Exclude<RoomMessage, UpdatesMessage>, updates: RoomUpdates): void {
    switch (message.kind) {
      case 'awareness':
        this.#tellAwareness(message)
        break
      case 'joined': {
        const { connectionId, userName, userColor } = message.member
        this.#send(this.#event('UserJoined', connectionId, userName, userColor), connectionId)
        // Members of their own node are told by `greet`.
        if (!this.#members.has(connectionId)) void this.#greetElsewhere(connectionId)
        break
      }
      case 'left':
        this.#send(this.#event('UserLeft', message.connectionId), message.connectionId)
        break
      case 'restored':
        updates.enter(message.epoch)
        this.#tellRestored(message.epoch, message.versionNumber)
    }
  }

  #tellAwareness({ from, data, to }: Extract<RoomMessage, { kind: 'awareness' }>): void {
    const event = this.#event('ReceiveAwareness', data, from)
    if (to === undefined) {
      const member = this.#members.get(from)
      if (member !== undefined) member.awareness = data
      this.#send(event, from)
    } else {
      const newcomer = this.#members.get(to)
      if (newcomer !== undefined) tell(newcomer, event)
    }
  }

  /** A newcomer on another node is told what members of this one last said of themselves. */
  async #greetElsewhere(to: string): Promise<void> {
    for (const [from, { awareness: data }] of [...this.#members]) {
      if (data === undefined) continue
      const message = { kind: 'awareness', from, data, to } as const
      await this.#events.tellRoom(this.documentId, message).catch(() => {})
    }
  }

  /** That the document was restored was not heard: a newcomer, an update or the log showed it. */
  async #tellMoved(epoch: number): Promise<void> {
    const isBehind = [...this.#members.values()].some((member) => member.epoch < epoch)
    try {
      if (isBehind) this.#tellRestored(epoch, await this.#headNumber())
      else this.#toldEpoch = epoch
    } catch (error) {
      this.#toldEpoch = epoch
      this.#cutOff(error)
    }
  }

  /** Members of an ended epoch are to join again. What was missed may be heard later, too. */
  #tellRestored(epoch: number, versionNumber: number): void {
    if (epoch <= this.#toldEpoch) return
    this.#toldEpoch = epoch
    const event = new HubEvent('DocumentRestored', this.documentId, versionNumber)
    for (const member of this.#members.values()) if (member.epoch < epoch) tell(member, event)
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
