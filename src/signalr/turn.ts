const TICK_MS = 10

type Writer = { flush(turn: Turn): void }
type Waiter = { resume(): void }

/** What connections wrote in one turn of the event loop leaves together at its end. */
export class Turn {
  #writers: Writer[] = []
  #parts: readonly Buffer[] = []
  #joined = Buffer.alloc(0)

  add(writer: Writer): void {
    if (this.#writers.push(writer) === 1) setImmediate(() => this.#end())
  }

  /** Most connections get the same events in a turn: their bytes are joined once. */
  join(parts: readonly Buffer[]): Buffer {
    if (parts.length === 1 && parts[0] !== undefined) return parts[0]
    const isSame = parts.length === this.#parts.length && parts.every((part, at) => part === this.#parts[at])
    if (!isSame) {
      this.#parts = parts
      this.#joined = Buffer.concat(parts)
    }
    return this.#joined
  }

  #end(): void {
    const writers = this.#writers
    this.#writers = []
    for (const writer of writers) writer.flush(this)
    this.#parts = []
    this.#joined = Buffer.alloc(0)
  }
}

/** Who is over the rate waits here; the longest waiting goes first. */
export class WaitingRoom {
  #waiters = new Set<Waiter>()
  #timer: NodeJS.Timeout | undefined

  add(waiter: Waiter): void {
    this.#waiters.add(waiter)
    this.#timer ??= setTimeout(() => this.#admit(), TICK_MS).unref()
  }

  #admit(): void {
    this.#timer = undefined
    const waiters = this.#waiters
    this.#waiters = new Set()
    for (const waiter of waiters) waiter.resume()
  }
}
