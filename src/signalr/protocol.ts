import type { HubEvent } from './hub-event.ts'
import type { PendingBytes } from './pending-bytes.ts'

/** Bytes that are no message of the protocol: they end the connection that sent them, as in ASP.NET. */
export class Garbage extends Error {
  override readonly name = 'Garbage'
}

/** The types of messages. Source: SignalR HubProtocol.md. */
export const INVOCATION = 1
export const COMPLETION = 3
export const STREAM_INVOCATION = 4
export const PING = 6
export const CLOSE = 7

/** What a client sends, as far as it is acted on. `args` undefined: they fit no method. */
export type Incoming =
  | {
      type: typeof INVOCATION | typeof STREAM_INVOCATION
      invocationId: string | undefined
      target: string
      args: readonly unknown[] | undefined
    }
  | { type: typeof PING }
  | { type: typeof CLOSE }
  /** Streams, completions, acknowledgements and what later protocols add. */
  | { type: 'ignored' }

export const IGNORED: Incoming = { type: 'ignored' }

export type CloseReason = { error?: string; allowReconnect?: boolean }

/** One way to write messages. Without state: what it gives may be shared among connections. */
export interface Protocol {
  readonly name: string
  readonly isBinary: boolean
  readonly ping: Buffer
  /** Takes the next whole message away, undefined while there is none. @throws Garbage */
  next(pending: PendingBytes, maxMessageBytes: number): Incoming | undefined
  /** @throws when it cannot be written */
  event(event: HubEvent): Buffer
  /** A completion; a result of undefined is told as null, as ASP.NET does for void. @throws when it cannot be written */
  result(invocationId: string, result: unknown): Buffer
  /** A completion without a result: clients drop a connection that sends both. */
  error(invocationId: string, error: string): Buffer
  close(reason: CloseReason): Buffer
}

/** A message of a known shape from what a protocol has read. @throws Garbage */
export function incoming(
  type: unknown,
  invocationId: unknown,
  target: unknown,
  args: unknown,
  streamIds: unknown,
): Incoming {
  if (typeof type !== 'number') throw new Garbage('a message without a type')
  if (type === PING) return { type: PING }
  if (type === CLOSE) return { type: CLOSE }
  if (type !== INVOCATION && type !== STREAM_INVOCATION) return IGNORED
  if (typeof target !== 'string') throw new Garbage('an invocation without a target')
  if (invocationId !== undefined && invocationId !== null && typeof invocationId !== 'string') {
    throw new Garbage('an invocationId that is no string')
  }
  // Nothing here takes streams as arguments.
  const isBindable = Array.isArray(args) && !(Array.isArray(streamIds) && streamIds.length > 0)
  // An empty id is none, as in ASP.NET.
  return { type, invocationId: invocationId || undefined, target, args: isBindable ? args : undefined }
}
