import { type ClientRateLimitInfo, MemoryStore, type Options, type Store } from 'express-rate-limit'
import { type RedisReply, RedisStore } from 'rate-limit-redis'

/** How long a request may wait for a count. */
const MOST_WAIT_MS = 250
/** After a failure Redis is left alone for so long. */
const PAUSE_MS = 1000

export type RedisCommands = {
  /** Tells installations apart that share a Redis. */
  prefix: string
  /** Rejects at once while Redis is away. */
  command(...words: [string, ...string[]]): Promise<unknown>
}

/**
 * Counts of all nodes in Redis, and this node's own beside them: whichever is higher. So what was
 * counted here counts at once, and while Redis is away.
 */
export class SharedStore implements Store {
  readonly #own = new MemoryStore()
  readonly #redis: RedisCommands
  readonly #name: string
  #options: Options | undefined
  #shared: RedisStore | undefined
  #pausedUntil = 0

  constructor(redis: RedisCommands, name: string) {
    this.#redis = redis
    this.#name = name
  }

  init(options: Options): void {
    this.#options = options
    this.#own.init(options)
  }

  async get(key: string): Promise<ClientRateLimitInfo | undefined> {
    const [own, shared] = await Promise.all([this.#own.get(key), this.#ask((store) => store.get(key))])
    return higher(own, shared)
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    const [own, shared] = await Promise.all([
      this.#own.increment(key),
      this.#ask((store) => store.increment(key)),
    ])
    return higher(own, shared) ?? own
  }

  async decrement(key: string): Promise<void> {
    await Promise.all([this.#own.decrement(key), this.#ask((store) => store.decrement(key))])
  }

  async resetKey(key: string): Promise<void> {
    await Promise.all([this.#own.resetKey(key), this.#ask((store) => store.resetKey(key))])
  }

  shutdown(): void {
    this.#own.shutdown()
  }

  /** Undefined when Redis does not answer. */
  async #ask<T>(question: (store: RedisStore) => Promise<T>): Promise<T | undefined> {
    if (performance.now() < this.#pausedUntil) return undefined
    try {
      return await inTime(this.#loaded().then(question))
    } catch {
      // Its scripts are loaded anew, too: what failed once it would keep as failed.
      this.#shared = undefined
      this.#pausedUntil = performance.now() + PAUSE_MS
      return undefined
    }
  }

  async #loaded(): Promise<RedisStore> {
    if (this.#options === undefined) throw new Error('the store was not initialised')
    if (this.#shared === undefined) {
      const store = new RedisStore({
        prefix: `${this.#redis.prefix}:limit:${this.#name}:`,
        sendCommand: (...words) =>
          this.#redis.command(...(words as [string, ...string[]])) as Promise<RedisReply>,
      })
      await store.init(this.#options)
      this.#shared = store
    }
    return this.#shared
  }
}

/** Whose window is over, or who was never counted, has no time left. */
function higher(
  own: ClientRateLimitInfo | undefined,
  shared: ClientRateLimitInfo | undefined,
): ClientRateLimitInfo | undefined {
  const isCounted = shared?.resetTime !== undefined && shared.resetTime.getTime() > Date.now()
  // Without a count it is no number.
  if (!isCounted || !(shared.totalHits > (own?.totalHits ?? 0))) return own
  return shared
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('Redis is slow')), MOST_WAIT_MS).unref()
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
