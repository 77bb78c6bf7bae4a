import { PendingBytes } from './pending-bytes.ts'
import type { Bucket } from './rate.ts'
import type { WaitingRoom } from './turn.ts'

/** So much may wait unread before the sender is held back. */
const MOST_PENDING_BYTES = 64 * 1024
/** So many messages are read before others have their turn, whatever the rate allows. */
const MOST_AT_ONCE = 500

/**
 * Takes the next message and acts on it.
 *
 * @returns false when there is none, a promise while the one after it has to wait
 */
export type ReadNext = (pending: PendingBytes) => boolean | Promise<void>

export type Buckets = { own: Bucket; shared: Bucket }

/** What one client sent: read message by message, no faster than its rate. */
export class Inbox {
  readonly #readNext: ReadNext
  readonly #buckets: Buckets
  readonly #waitingRoom: WaitingRoom
  readonly #pending = new PendingBytes()
  #isBusy = false
  #isHeldBack = false
  #isClosed = false
  #heardAt = 0
  #room: PromiseWithResolvers<void> | undefined

  constructor(readNext: ReadNext, buckets: Buckets, waitingRoom: WaitingRoom) {
    this.#readNext = readNext
    this.#buckets = buckets
    this.#waitingRoom = waitingRoom
  }

  /** How long the client has been silent of its own accord, in milliseconds. */
  silentMs(now: number): number {
    return this.#isWaiting ? 0 : now - this.#heardAt
  }

  /** @returns a promise while the sender should wait before it sends more */
  receive(bytes: Buffer): Promise<void> | undefined {
    if (this.#isClosed) return undefined
    this.#heardAt = Date.now()
    this.#pending.add(bytes)
    this.#read()
    if (this.#hasRoom) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** After waiting: the client may have been kept from being heard. */
  resume(): void {
    this.#isHeldBack = false
    this.#heardAt = Date.now()
    this.#read()
  }

  close(): void {
    this.#isClosed = true
    this.#pending.clear()
    this.#giveRoom()
  }

  get #isWaiting(): boolean {
    return this.#isBusy || this.#isHeldBack
  }

  get #hasRoom(): boolean {
    return this.#pending.length <= MOST_PENDING_BYTES || !this.#isWaiting
  }

  #read(): void {
    const { own, shared } = this.#buckets
    const now = performance.now()
    for (let count = 0; !this.#isWaiting && !this.#isClosed && this.#pending.length > 0; count += 1) {
      if (count === MOST_AT_ONCE || !own.hasAt(now) || !shared.hasAt(now)) {
        this.#isHeldBack = true
        this.#waitingRoom.add(this)
        break
      }
      const read = this.#readNext(this.#pending)
      if (read === false) break
      own.take()
      shared.take()
      if (read !== true) this.#waitFor(read)
    }
    if (this.#hasRoom) this.#giveRoom()
  }

  #waitFor(done: Promise<void>): void {
    this.#isBusy = true
    void done.then(() => {
      this.#isBusy = false
      this.resume()
    })
  }

  #giveRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}
