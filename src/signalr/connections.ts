import { Connection, type Surroundings } from './connection.ts'
import { type ConnectionTokens, type Negotiated, newId } from './connection-tokens.ts'
import { Bucket, SharedBuckets } from './rate.ts'
import { Refusal } from './refusal.ts'
import { sweepIntervalMs } from './times.ts'

const ELSEWHERE =
  'The connection was negotiated on another node. Server-Sent Events and Long Polling need a balancer that sends a client to one node; WebSockets do not.'

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
  readonly #tokens: ConnectionTokens
  readonly #byToken = new Map<string, Connection<C>>()
  /** How many of them each client has. */
  readonly #counts = new Map<string, number>()
  /** Tokens of other nodes that were used here, until they end by themselves. In milliseconds. */
  readonly #adopted = new Map<string, number>()
  readonly #shared: SharedBuckets
  readonly #sweeping: NodeJS.Timeout
  #ended: PromiseWithResolvers<void> | undefined

  constructor(
    limits: Limits,
    clientKeyOf: (client: C) => string,
    tokens: ConnectionTokens,
    surroundings: Omit<Surroundings<C>, 'onGone'>,
  ) {
    this.#limits = limits
    this.#tokens = tokens
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
    const id = newId()
    return this.#open(client, { id, token: this.#tokens.issue(id, this.#clientKeyOf(client)) })
  }

  /**
   * The client's own, or one that it negotiated on another node and that lives here from now on.
   *
   * @throws Refusal 400, 403, 404; 429 and 503 as `open`
   */
  ownedOrAdopted(client: C, query: URLSearchParams): Connection<C> {
    const token = query.get('id')
    const negotiated = token === null ? undefined : this.#negotiatedElsewhere(client, token)
    if (token === null || negotiated === undefined) return this.ownedBy(client, query)
    const connection = this.#open(client, { id: negotiated.id, token })
    this.#adopted.set(token, negotiated.expiresAtMs)
    return connection
  }

  /** Undefined for one that was used here, too. */
  #negotiatedElsewhere(client: C, token: string): Negotiated | undefined {
    if (this.#byToken.has(token) || this.#adopted.has(token)) return undefined
    return this.#tokens.read(token, this.#clientKeyOf(client))
  }

  #open(client: C, names: { id: string; token: string }): Connection<C> {
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
    const connection = new Connection(names, client, key, this.#all, buckets)
    this.#byToken.set(connection.token, connection)
    this.#counts.set(key, count + 1)
    return connection
  }

  /** A connection belongs to whoever negotiated it. @throws Refusal 400, 403, 404 */
  ownedBy(client: C, query: URLSearchParams): Connection<C> {
    const token = query.get('id')
    if (token === null) throw new Refusal(400, 'Connection ID required')
    const connection = this.#byToken.get(token)
    if (connection === undefined) {
      const isElsewhere = this.#negotiatedElsewhere(client, token) !== undefined
      throw new Refusal(404, isElsewhere ? ELSEWHERE : 'No Connection with that ID')
    }
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
    for (const [token, expiresAtMs] of this.#adopted) if (expiresAtMs < now) this.#adopted.delete(token)
  }
}

function refusal(status: 429 | 503, text: string, retryAfterS = 5): Refusal {
  return new Refusal(status, text, { 'Retry-After': String(retryAfterS) })
}
