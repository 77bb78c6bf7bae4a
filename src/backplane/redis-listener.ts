import { MOST_WAIT_MS, type RedisAddress, RedisConnection, textOf, within } from './redis-connection.ts'

const SUBSCRIBED_AT_ONCE = 1000

type ListenerEvents = {
  onMessage(name: string, text: string): void
  /** Something may have been missed; from now on everything is heard. */
  onGap(): void
  /** Told what is wrong, and without a text when that may be over. */
  onChange(trouble?: string): void
}

/** Hears what is said under names that are wanted, and again after Redis was away. */
export class RedisListener {
  readonly #connection: RedisConnection
  readonly #events: ListenerEvents
  readonly #wanted: Set<string>
  readonly #mending: NodeJS.Timeout
  /** Settled when Redis has answered everything that was asked of it. */
  #asked: Promise<unknown> = Promise.resolve()
  /** Under way to hear all; a newer one takes its place. */
  #attempt: symbol | undefined
  #hears = false

  /** @param names that are always wanted */
  constructor(address: RedisAddress, names: string[], events: ListenerEvents) {
    this.#events = events
    this.#wanted = new Set(names)
    this.#connection = new RedisConnection({
      ...address,
      onReady: () => void this.#hearAll(),
      onLost: (reason) => {
        this.#hears = false
        this.#attempt = undefined
        events.onChange(reason)
      },
    })
    this.#connection.client.on('message', events.onMessage)
    this.#mending = setInterval(() => this.#mend(), address.pingEveryMs).unref()
  }

  get isWell(): boolean {
    return this.#hears
  }

  add(name: string): void {
    this.#wanted.add(name)
    // Else all are asked for once Redis is back.
    if (this.#connection.isReady) void this.#hear([name])
  }

  remove(name: string): void {
    this.#wanted.delete(name)
    if (this.#connection.isReady) this.#connection.client.unsubscribe(name).catch(() => {})
  }

  /** Resolves when all that was added is heard; while Redis is away or slow it does not wait: then a gap follows. */
  heard(): Promise<void> {
    return within(this.#asked, MOST_WAIT_MS)
  }

  close(): void {
    clearInterval(this.#mending)
    this.#connection.close()
  }

  /** @returns whether Redis agreed */
  async #hear(names: string[]): Promise<boolean> {
    const askedAt = performance.now()
    const asked = this.#connection.client.subscribe(...names)
    this.#asked = asked.catch(() => {})
    try {
      await asked
      if (performance.now() - askedAt > MOST_WAIT_MS) this.#events.onGap()
      return true
    } catch (error) {
      this.#hears = false
      // While it is away the connection itself says why.
      if (this.#connection.isReady) this.#events.onChange(textOf(error))
      return false
    }
  }

  async #hearAll(): Promise<void> {
    const attempt = Symbol()
    this.#attempt = attempt
    const names = [...this.#wanted]
    const asked: Promise<boolean>[] = []
    for (let at = 0; at < names.length; at += SUBSCRIBED_AT_ONCE)
      asked.push(this.#hear(names.slice(at, at + SUBSCRIBED_AT_ONCE)))
    const agreed = await Promise.all(asked)
    if (this.#attempt !== attempt) return
    this.#attempt = undefined
    if (agreed.includes(false)) return
    this.#hears = true
    // Before it was there the first time, others were not heard either.
    this.#events.onGap()
    this.#events.onChange()
  }

  /** What Redis refused although it is there. */
  #mend(): void {
    if (this.#connection.isReady && !this.#hears && this.#attempt === undefined) void this.#hearAll()
  }
}
