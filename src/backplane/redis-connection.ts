import { Redis } from 'ioredis'

const LEAST_RETRY_MS = 50
const MOST_RETRY_MS = 3000

type Stream = Redis['stream']

/** How long a message may keep its publisher waiting, and whoever asks to be heard. */
export const MOST_WAIT_MS = 1000

/** Where Redis is, and how long it may be silent. */
export type RedisAddress = {
  /** `redis://` or `rediss://`, with user, password and database. */
  url: string
  /** How often Redis is asked for a sign of life, and how long it may take. */
  pingEveryMs: number
  patienceMs: number
}

type Options = RedisAddress & {
  onReady(): void
  /** Once for each connection that was lost and each attempt that failed. */
  onLost(reason: string): void
}

/**
 * A connection that comes back by itself and keeps nothing for later: a command is written at once or
 * refused. One that says nothing any more is cut.
 */
export class RedisConnection {
  readonly client: Redis
  readonly #options: Options
  readonly #watching: NodeJS.Timeout
  #reason: string | undefined
  #bytesRead = 0
  #heardAt = performance.now()
  #isClosed = false

  constructor(options: Options) {
    this.#options = options
    this.client = new Redis(options.url, {
      connectionName: 'docs-connector',
      // In the older protocol nothing depends on the server's release.
      protocol: 2,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      // Whatever waits for an answer fails with its connection.
      maxRetriesPerRequest: 0,
      connectTimeout: options.patienceMs,
      retryStrategy: retryAfterMs,
    })
    // Its text alone goes on: the error holds the command, and that may hold the password.
    this.client.on('error', (error: Error & { code?: string }) => {
      this.#reason = error.message || error.code
    })
    this.client.on('connect', () => this.#noteLife(this.client.stream))
    this.client.on('ready', () => {
      this.#reason = undefined
      options.onReady()
    })
    this.client.on('close', () => {
      if (!this.#isClosed) options.onLost(this.#reason ?? 'the connection was closed')
    })
    this.#watching = setInterval(() => this.#watch(), options.pingEveryMs).unref()
  }

  get isReady(): boolean {
    return this.client.status === 'ready'
  }

  close(): void {
    this.#isClosed = true
    clearInterval(this.#watching)
    this.client.disconnect()
    // Its end alone would wait for a Redis that is frozen.
    this.client.stream?.destroy()
  }

  #watch(): void {
    const { client } = this
    if (client.status === 'end') client.connect().catch(() => {})
    if (client.status !== 'connect' && client.status !== 'ready') return
    const { stream } = client
    if (stream.bytesRead !== this.#bytesRead) this.#noteLife(stream)
    else if (performance.now() - this.#heardAt > this.#options.patienceMs) {
      // What came while this process itself was busy is read before that.
      setImmediate(() => this.#cutUnlessHeard(stream))
    }
    if (client.status === 'ready') client.ping().catch(() => {})
  }

  #noteLife({ bytesRead }: Stream): void {
    this.#bytesRead = bytesRead
    this.#heardAt = performance.now()
  }

  #cutUnlessHeard(stream: Stream): void {
    if (stream.destroyed || stream !== this.client.stream || stream.bytesRead !== this.#bytesRead) return
    this.#reason = `no answer within ${this.#options.patienceMs} ms`
    stream.destroy()
  }
}

/** Not all nodes at once. */
function retryAfterMs(attempt: number): number {
  const longest = Math.min(MOST_RETRY_MS, LEAST_RETRY_MS * 2 ** Math.min(attempt, 10))
  return longest / 2 + Math.random() * (longest / 2)
}

/** Resolves when the promise is settled, at the latest after `ms`; what it rejects with is nobody's. */
export function within(promise: Promise<unknown>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms).unref()
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    promise.then(done, done)
  })
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
