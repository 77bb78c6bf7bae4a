import type { RoomMessage } from '../core/updates/room-message.ts'

export type UpdatesMessage = Extract<RoomMessage, { kind: 'updates' }>
export type Position = { epoch: number; seq: number }

/** Puts updates that were told in the order of their sequence numbers, each once; an ended epoch is over. */
export class UpdateOrder {
  #position: Position
  /** They wait for those before them. */
  #ahead: UpdatesMessage[] = []

  constructor(position: Position) {
    this.#position = position
  }

  get position(): Position {
    return this.#position
  }

  /** The last of those that others wait for; undefined when none is missing. */
  get missingUpTo(): number | undefined {
    const [first] = this.#ahead
    return first === undefined ? undefined : first.seq - 1
  }

  /** @returns what is next now, in order */
  take(message: UpdatesMessage): UpdatesMessage[] {
    const { epoch, seq } = message
    if (epoch < this.#position.epoch) return []
    if (epoch > this.#position.epoch) this.#begin(epoch)
    const place = this.#ahead.findIndex((other) => other.seq > seq)
    this.#ahead.splice(place === -1 ? this.#ahead.length : place, 0, message)
    return this.#next()
  }

  /** What is up to there has come another way. @returns what is next now, in order */
  moveTo({ epoch, seq }: Position): UpdatesMessage[] {
    if (epoch < this.#position.epoch) return []
    if (epoch > this.#position.epoch) this.#begin(epoch)
    this.#position = { epoch, seq: Math.max(seq, this.#position.seq) }
    return this.#next()
  }

  #begin(epoch: number): void {
    this.#position = { epoch, seq: 0 }
    this.#ahead = []
  }

  #next(): UpdatesMessage[] {
    const next: UpdatesMessage[] = []
    for (let [first] = this.#ahead; first !== undefined; [first] = this.#ahead) {
      const { epoch, seq } = this.#position
      if (first.seq > seq + 1) break
      this.#ahead.shift()
      const updates = first.updates.slice(seq + 1 - first.seq)
      if (updates.length === 0) continue
      next.push({ ...first, seq: seq + 1, updates })
      this.#position = { epoch, seq: seq + updates.length }
    }
    return next
  }
}
