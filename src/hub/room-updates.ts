import type { Updates } from '../core/updates/updates.ts'
import { type Position, UpdateOrder, type UpdatesMessage } from './update-order.ts'

/** So long messages of several nodes may come in another order than they were stored in. */
const OUT_OF_ORDER_MS = 50

export type UpdatesLog = Pick<Updates, 'positionOf' | 'since' | 'state'>

type RoomUpdatesEvents = {
  /** @param from the connection that sent it, empty when that is not known */
  onUpdate(base64: string, from: string, epoch: number): void
  /** The log is to be read, when it is the turn of that. */
  onMissing(): void
}

/** The updates of a room's document in the order of the log, wherever they come from: told, or read there. */
export class RoomUpdates {
  readonly #documentId: string
  readonly #log: UpdatesLog
  readonly #events: RoomUpdatesEvents
  readonly #order: UpdateOrder
  #waiting: NodeJS.Timeout | undefined
  /** By their Base64 who sent them, in this epoch: the log does not know. */
  readonly #own = new Map<string, string>()

  constructor(documentId: string, log: UpdatesLog, position: Position, events: RoomUpdatesEvents) {
    this.#documentId = documentId
    this.#log = log
    this.#order = new UpdateOrder(position)
    this.#events = events
  }

  get epoch(): number {
    return this.#order.position.epoch
  }

  /** An update of this node's own is on its way to the log, and may be read there before it is told. */
  sent(from: string, base64: string): void {
    this.#own.set(base64, from)
  }

  /** It did not get there. */
  notStored(base64: string): void {
    this.#own.delete(base64)
  }

  take(message: UpdatesMessage): void {
    const { epoch, seq, updates } = message
    if (epoch > this.epoch) this.#own.clear()
    this.#relay(this.#order.take(message))
    const { position } = this.#order
    // Of an ended epoch nothing goes out, and what has gone out another way not again.
    if (epoch < position.epoch || seq + updates.length - 1 <= position.seq)
      for (const [, base64] of updates) this.#own.delete(base64)
  }

  /** An epoch that has ended already stays so. */
  enter(epoch: number): void {
    this.#moveTo({ epoch, seq: 0 })
  }

  isBehind({ epoch, seq }: Position): boolean {
    const { position } = this.#order
    return epoch > position.epoch || (epoch === position.epoch && seq > position.seq)
  }

  /** Reads what others wait for. @throws whatever the database says */
  async readMissing(): Promise<void> {
    const { missingUpTo } = this.#order
    if (missingUpTo !== undefined) await this.#readUpTo(missingUpTo)
  }

  /** Reads all that the log has. @throws as `readMissing` */
  async catchUp(): Promise<void> {
    const position = await this.#log.positionOf(this.#documentId)
    this.enter(position.epoch)
    if (this.isBehind(position)) await this.#readUpTo(position.seq)
  }

  close(): void {
    clearTimeout(this.#waiting)
    this.#waiting = undefined
  }

  #moveTo(position: Position): void {
    if (position.epoch > this.epoch) this.#own.clear()
    this.#relay(this.#order.moveTo(position))
  }

  #relay(messages: UpdatesMessage[]): void {
    for (const { epoch, updates } of messages)
      for (const [from, base64] of updates) {
        this.#own.delete(base64)
        this.#events.onUpdate(base64, from, epoch)
      }
    if (this.#order.missingUpTo === undefined) {
      clearTimeout(this.#waiting)
      this.#waiting = undefined
    } else {
      this.#waiting ??= setTimeout(() => {
        this.#waiting = undefined
        this.#events.onMissing()
      }, OUT_OF_ORDER_MS)
    }
  }

  async #readUpTo(seq: number): Promise<void> {
    const { epoch, seq: from } = this.#order.position
    const missed = await this.#log.since(this.#documentId, epoch, from)
    if (missed === undefined) return this.#readState(epoch)
    for (const one of missed) if (one.seq <= seq) this.#send(one.update, epoch)
    this.#moveTo({ epoch, seq })
  }

  /** The log was compacted meanwhile: the whole is an update too. */
  async #readState(epoch: number): Promise<void> {
    const state = await this.#log.state(this.#documentId)
    // The epoch ended in between.
    if (state.epoch !== epoch) return this.catchUp()
    this.#send(state.update, epoch)
    this.#moveTo({ epoch, seq: state.seq })
  }

  #send(update: Uint8Array, epoch: number): void {
    const base64 = Buffer.from(update.buffer, update.byteOffset, update.length).toString('base64')
    const from = this.#own.get(base64) ?? ''
    this.#own.delete(base64)
    this.#events.onUpdate(base64, from, epoch)
  }
}
