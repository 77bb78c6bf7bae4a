import { encode, jsonProtocol, parse, SEPARATOR } from './json-protocol.ts'
import { messagePackProtocol } from './messagepack-protocol.ts'
import type { PendingBytes } from './pending-bytes.ts'
import { Garbage, type Protocol } from './protocol.ts'

const MAX_HANDSHAKE_BYTES = 4096
const FAILED = 'An unexpected error occurred during connection handshake.'
const PROTOCOLS: readonly Protocol[] = [jsonProtocol, messagePackProtocol]
/** Clients that can take up a lost connection say 2. */
const VERSIONS: readonly number[] = [1, 2]

/** Source: SignalR HubProtocol.md, Handshake. Always JSON text, whatever protocol it asks for. */
export const ACCEPTED = encode({})

export function handshakeError(error: string): Buffer {
  return encode({ error })
}

/**
 * Takes the client's first message away.
 *
 * @returns the protocol, or the text of the refusal; undefined while the message is not whole
 */
export function readHandshake(
  pending: PendingBytes,
  supportsBinary: boolean,
): { protocol: Protocol } | { error: string } | undefined {
  const length = pending.lengthBefore(SEPARATOR)
  if ((length ?? pending.length) > MAX_HANDSHAKE_BYTES) return { error: FAILED }
  if (length === undefined) return undefined
  let asked: { protocol?: unknown; version?: unknown }
  try {
    asked = parse(pending.take(0, length + 1).toString('utf8', 0, length))
  } catch (error) {
    if (error instanceof Garbage) return { error: FAILED }
    throw error
  }
  const { protocol: name, version } = asked
  if (typeof name !== 'string' || typeof version !== 'number') return { error: FAILED }
  const protocol = PROTOCOLS.find((known) => known.name === name)
  if (protocol === undefined) return { error: `The protocol '${name}' is not supported.` }
  if (!VERSIONS.includes(version)) {
    return { error: `The server does not support version ${version} of the '${protocol.name}' protocol.` }
  }
  if (protocol.isBinary && !supportsBinary) {
    return {
      error: `Cannot use the '${protocol.name}' protocol on the current transport. The transport does not support 'Binary' transfer format.`,
    }
  }
  return { protocol }
}
