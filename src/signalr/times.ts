/** All in milliseconds. */
export type Times = {
  /** A ping follows when nothing was sent for so long. */
  keepAliveMs: number
  /** How long a client that pings may be silent. */
  clientTimeoutMs: number
  handshakeMs: number
  /** A poll is answered empty after this. */
  pollMs: number
  /** For a client that negotiated and never connected, that polls no more, or that does not take its end. */
  abandonedMs: number
  /** The body of a request arrives within this. */
  bodyMs: number
  /** How long closing waits for clients to take their end. */
  closeMs: number
}

/** Those of ASP.NET where it has them. */
export const TIMES: Times = {
  keepAliveMs: 15_000,
  clientTimeoutMs: 30_000,
  handshakeMs: 15_000,
  pollMs: 90_000,
  abandonedMs: 15_000,
  bodyMs: 30_000,
  closeMs: 1000,
}

/** How often connections are looked at: late by a fraction of the shortest time. */
export function sweepIntervalMs({ keepAliveMs, clientTimeoutMs, handshakeMs, pollMs, abandonedMs }: Times) {
  const shortest = Math.min(keepAliveMs, clientTimeoutMs, handshakeMs, pollMs, abandonedMs)
  return Math.min(1000, Math.max(10, shortest / 5))
}
