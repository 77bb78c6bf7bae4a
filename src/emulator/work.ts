import { setMaxListeners } from 'node:events'

/** Everything under way: timers and promises. Timers never keep the process alive. */
export class Work {
  #running = 0
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #waiting: (() => void)[] = []
  readonly #abort = new AbortController()

  constructor() {
    // Every request and wait listens.
    setMaxListeners(0, this.#abort.signal)
  }

  /** Aborted on close. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    this.#running += 1
    try {
      return await task()
    } finally {
      this.#running -= 1
      this.#notify()
    }
  }

  /** @returns cancels the timer; no error if it has run */
  later(ms: number, task: () => void): () => void {
    if (this.signal.aborted) return () => {}
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      task()
      this.#notify()
    }, ms)
    timer.unref()
    this.#timers.add(timer)
    return () => {
      clearTimeout(timer)
      if (this.#timers.delete(timer)) this.#notify()
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) return reject(this.signal.reason)
      const stop = () => reject(this.signal.reason)
      this.signal.addEventListener('abort', stop, { once: true })
      this.later(ms, () => {
        this.signal.removeEventListener('abort', stop)
        resolve()
      })
    })
  }

  /** Resolves when no timer waits and nothing runs. */
  async idle(): Promise<void> {
    while (this.#busy()) {
      // An unref'd timer alone would let the process end under the one who waits for it.
      const alive = setInterval(() => {}, 1000)
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
      clearInterval(alive)
      // What has just ended may start its successor in a later microtask.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#abort.abort(new Error('the emulator is closed'))
    this.#notify()
  }

  #busy(): boolean {
    return !this.signal.aborted && this.#running + this.#timers.size > 0
  }

  #notify(): void {
    if (this.#busy()) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
