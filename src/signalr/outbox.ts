import type { Transport } from './transport.ts'
import type { Turn } from './turn.ts'

/** What waits to be written to one client, within a limit. */
export class Outbox {
  readonly #transport: Transport
  readonly #mostBytes: number
  #parts: Buffer[] = []
  #bytes = 0
  /** Nothing was in arrears when the turn under way began. */
  #isDrained = true
  /** Of the turn's messages. */
  #largestBytes = 0
  /** What may be on its way beyond the limit. */
  #extraBytes = 0
  #writtenAt: number

  constructor(transport: Transport, mostBytes: number, now: number) {
    this.#transport = transport
    this.#mostBytes = mostBytes
    this.#writtenAt = now
  }

  get isEmpty(): boolean {
    return this.#bytes === 0
  }

  get writtenAt(): number {
    return this.#writtenAt
  }

  /**
   * Whoever has read all so far gets large messages, too, or nobody could ever get them: in one turn twice
   * the largest, for a state goes out as an event and as a result. Whoever lets more pile up is too slow.
   */
  admits(length: number): boolean {
    const { bufferedBytes } = this.#transport
    if (this.isEmpty) this.#beginTurn(bufferedBytes)
    this.#largestBytes = Math.max(this.#largestBytes, length)
    if (this.#isDrained) this.#extraBytes = 2 * this.#largestBytes
    return this.#bytes + bufferedBytes + length <= this.#mostBytes + this.#extraBytes
  }

  add(message: Buffer): void {
    this.#parts.push(message)
    this.#bytes += message.length
  }

  flush(turn: Turn, isBinary: boolean): void {
    if (this.isEmpty) return
    const parts = this.#parts
    this.#parts = []
    this.#bytes = 0
    this.#writtenAt = Date.now()
    this.#transport.write(turn.join(parts), isBinary)
  }

  #beginTurn(bufferedBytes: number): void {
    this.#isDrained = bufferedBytes <= this.#mostBytes
    this.#largestBytes = 0
  }
}
