import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** From the negotiation until the client connects; longer than one may take, clocks of nodes differ. */
const LIFETIME_MS = 60_000

/** Of a connection that another node has negotiated. */
export type Negotiated = { id: string; expiresAtMs: number }

/**
 * Connection tokens that every node with the same key can verify. Who knows one may act in the client's
 * place: it is signed for that client alone.
 *
 * Source: SignalR TransportProtocols.md: the token is secret, with 128 random bits or more.
 */
export class ConnectionTokens {
  readonly #key: Buffer
  /** Not its name: a node that starts anew knows nothing of the connections before. */
  readonly #node = newId()

  /** @param key shared by all nodes */
  constructor(key: Buffer = randomBytes(32)) {
    this.#key = key
  }

  issue(id: string, clientKey: string): string {
    const claims = `${id}.${this.#node}.${(Date.now() + LIFETIME_MS).toString(36)}`
    return `${claims}.${this.#sign(claims, clientKey)}`
  }

  /** Undefined unless this client negotiated it, on another node and lately. */
  read(token: string, clientKey: string): Negotiated | undefined {
    const [, claims, id, node, expires, signature] =
      /^(([\w-]{22})\.([\w-]{22})\.([\da-z]{1,10}))\.([\w-]{43})$/.exec(token) ?? []
    if (claims === undefined || id === undefined || expires === undefined || signature === undefined)
      return undefined
    const expected = this.#sign(claims, clientKey)
    if (!timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return undefined
    const expiresAtMs = Number.parseInt(expires, 36)
    return node === this.#node || expiresAtMs < Date.now() ? undefined : { id, expiresAtMs }
  }

  #sign(claims: string, clientKey: string): string {
    return createHmac('sha256', this.#key).update(`${claims}.${clientKey}`).digest('base64url')
  }
}

/** Source: SignalR TransportProtocols.md: 128 random bits. */
export function newId(): string {
  return randomBytes(16).toString('base64url')
}
