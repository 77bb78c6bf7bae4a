import { Connection, type Surroundings } from './connection.ts'
import { Bucket, SharedBuckets } from './rate.ts'
import { Refusal } from './refusal.ts'
import { sweepIntervalMs } from './times.ts'

type Limits = {
  messagesPerS: number
  clientMessagesPerS: number
  mostConnections: number
  mostConnectionsPerClient: number
}

/** All connections of a server, negotiated ones and those that are ending among them. */
export class Connections<C> {
  readonly #limits: Limits
  readonly #clientKeyOf: (client: C) => string
  readonly #all: Surroundings<C>
  readonly #byToken = new Map<string, Connection<C>>()
  /** How many of them each client has. */
  readonly #counts = new Map<string, number>()
  readonly #shared: SharedBuckets
  readonly #sweeping: NodeJS.Timeout
  #ended: PromiseWithResolvers<void> | undefined

  constructor(
    limits: Limits,
    clientKeyOf: (client: C) => string,
    surroundings: Omit<Surroundings<C>, 'onGone'>,
  ) {
    this.#limits = limits
    this.#clientKeyOf = clientKeyOf
    this.#all = { ...surroundings, onGone: (connection) => this.#forget(connection) }
    this.#shared = new SharedBuckets(limits.clientMessagesPerS)
    this.#sweeping = setInterval(() => this.#sweep(), sweepIntervalMs(surroundings.times)).unref()
  }

  /** Those that are not ending. */
  *[Symbol.iterator](): Iterator<Connection<C>> {
    for (const connection of this.#byToken.values()) if (!connection.isClosed) yield connection
  }

  /** Opening one takes from the rate of its client, as messages do. @throws Refusal 429, 503 */
  open(client: C): Connection<C> {
    if (this.#ended !== undefined) throw refusal(503, 'The server is stopping')
    const key = this.#clientKeyOf(client)
    const count = this.#counts.get(key) ?? 0
    const now = performance.now()
    const shared = this.#shared.of(key, now)
    if (!shared.hasAt(now)) throw refusal(429, 'Too many requests', 1)
    shared.take()
    if (count >= this.#limits.mostConnectionsPerClient) {
      throw refusal(429, 'The client has too many connections')
    }
    if (this.#byToken.size >= this.#limits.mostConnections) {
      throw refusal(503, 'There are too many connections')
    }
    const buckets = { own: new Bucket(this.#limits.messagesPerS, now), shared }
    const connection = new Connection(client, key, this.#all, buckets)
    this.#byToken.set(connection.token, connection)
    this.#counts.set(key, count + 1)
    return connection
  }

  /** A connection belongs to whoever negotiated it. @throws Refusal 400, 403, 404 */
  ownedBy(client: C, query: URLSearchParams): Connection<C> {
    const token = query.get('id')
    if (token === null) throw new Refusal(400, 'Connection ID required')
    const connection = this.#byToken.get(token)
    if (connection === undefined) throw new Refusal(404, 'No Connection with that ID')
    if (connection.clientKey !== this.#clientKeyOf(client)) {
      throw new Refusal(403, 'The connection belongs to somebody else')
    }
    return connection
  }

  /** Tells all to reconnect and ends; resolves when they are gone, at the latest after `closeMs`. */
  async close(): Promise<void> {
    if (this.#ended !== undefined) return this.#ended.promise
    this.#ended = Promise.withResolvers()
    for (const connection of this) connection.close({ allowReconnect: true })
    if (this.#byToken.size === 0) this.#ended.resolve()
    const late = setTimeout(() => {
      for (const connection of this.#byToken.values()) connection.drop()
    }, this.#all.times.closeMs)
    await this.#ended.promise
    clearTimeout(late)
    clearInterval(this.#sweeping)
  }

  #forget(connection: Connection<C>): void {
    const { token, clientKey } = connection
    this.#byToken.delete(token)
    const count = this.#counts.get(clientKey) ?? 0
    if (count > 1) this.#counts.set(clientKey, count - 1)
    else this.#counts.delete(clientKey)
    if (this.#byToken.size === 0) this.#ended?.resolve()
  }

  #sweep(): void {
    const now = Date.now()
    const used = new Set<string>()
    for (const connection of this.#byToken.values()) {
      connection.sweep(now)
      used.add(connection.clientKey)
    }
    this.#shared.sweep(used, performance.now())
  }
}

function refusal(status: 429 | 503, text: string, retryAfterS = 5): Refusal {
  return new Refusal(status, text, { 'Retry-After': String(retryAfterS) })
}
