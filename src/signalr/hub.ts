import type { HubEvent } from './hub-event.ts'

/** A refusal whose words the caller reads; what else a method throws is told without detail. */
export class HubError extends Error {
  override readonly name = 'HubError'
}

/**
 * A result that comes later: the connection's next invocation may start before. Methods that return
 * anything else finish before the next one starts.
 */
export class Later {
  readonly result: Promise<unknown>

  constructor(result: Promise<unknown>) {
    this.result = result
  }
}

/** One client, as long as its connection lasts. `C`: whoever was authenticated. */
export type HubConnection<C> = {
  /** Public: others may see it. The secret connection token is another one. */
  readonly id: string
  readonly client: C
  readonly isClosed: boolean
  /**
   * Sends an event without an answer; a client too slow to take it is dropped. Never throws: an event that
   * the client's protocol cannot say is left out.
   */
  send(event: HubEvent): void
  /** Ends it with a Close message; told to reconnect, the client comes back by itself. */
  close(reason?: { error?: string; allowReconnect?: boolean }): void
}

/** @returns the result, undefined for none @throws HubError for refusals that the caller should read */
export type HubMethod<C> = (connection: HubConnection<C>, args: readonly unknown[]) => unknown

/** What is served over connections. */
export type Hub<C> = {
  /** By name in lower case: names are matched ignoring case, as ASP.NET does. */
  readonly methods: ReadonlyMap<string, HubMethod<C>>
  /** Once for every connection that had its handshake, after its last method has begun. */
  onDisconnected(connection: HubConnection<C>): void
}
