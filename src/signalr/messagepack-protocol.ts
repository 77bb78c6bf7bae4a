import { Decoder, Encoder } from '@msgpack/msgpack'
import { demandWholeValue } from './messagepack-size.ts'
import type { PendingBytes } from './pending-bytes.ts'
import {
  CLOSE,
  COMPLETION,
  Garbage,
  INVOCATION,
  type Incoming,
  incoming,
  PING,
  type Protocol,
} from './protocol.ts'

const ERROR_RESULT = 1
const RESULT = 3
const MOST_PREFIX_BYTES = 5

const encoder = new Encoder()
const decoder = new Decoder()

/** Source: SignalR HubProtocol.md, MessagePack Encoding. */
export const messagePackProtocol: Protocol = {
  name: 'messagepack',
  isBinary: true,
  ping: encode([PING]),

  next(pending, maxMessageBytes): Incoming | undefined {
    const prefix = readPrefix(pending)
    if (prefix === undefined) return undefined
    if (prefix.length > maxMessageBytes) throw new Garbage('a message beyond the limit')
    if (pending.length < prefix.bytes + prefix.length) return undefined
    const [type, , invocationId, target, args, streamIds] = decode(pending.take(prefix.bytes, prefix.length))
    return incoming(type, invocationId, target, args, streamIds)
  },

  event: ({ target, args }) => encode([INVOCATION, {}, null, target, args, []]),
  result: (invocationId, result) => encode([COMPLETION, {}, invocationId, RESULT, result ?? null]),
  error: (invocationId, error) => encode([COMPLETION, {}, invocationId, ERROR_RESULT, error]),
  close: ({ error, allowReconnect }) => encode([CLOSE, error ?? null, allowReconnect ?? false]),
}

/** The length of the next message, seven bits to a byte, the lowest first. */
function readPrefix(pending: PendingBytes): { bytes: number; length: number } | undefined {
  let length = 0
  for (let bytes = 0; bytes < MOST_PREFIX_BYTES; bytes += 1) {
    const byte = pending.at(bytes)
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 2 ** (7 * bytes)
    if (byte < 0x80) return { bytes: bytes + 1, length }
  }
  throw new Garbage('a length that does not end')
}

function decode(bytes: Buffer): readonly unknown[] {
  demandWholeValue(bytes)
  let message: unknown
  try {
    message = decoder.decode(bytes)
  } catch (cause) {
    throw new Garbage('a message that is no MessagePack', { cause })
  }
  if (!Array.isArray(message)) throw new Garbage('a message that is no array')
  return message
}

function encode(message: readonly unknown[]): Buffer {
  const body = encoder.encodeSharedRef(message)
  const prefix: number[] = []
  let left = body.length
  for (; left > 0x7f; left = Math.floor(left / 0x80)) prefix.push((left & 0x7f) | 0x80)
  prefix.push(left)
  const encoded = Buffer.allocUnsafe(prefix.length + body.length)
  encoded.set(prefix)
  encoded.set(body, prefix.length)
  return encoded
}
