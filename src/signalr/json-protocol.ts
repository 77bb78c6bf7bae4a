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

/** Ends every JSON message, the handshake's too. */
export const SEPARATOR = 0x1e

/** Source: SignalR HubProtocol.md, JSON Encoding. */
export const jsonProtocol: Protocol = {
  name: 'json',
  isBinary: false,
  ping: encode({ type: PING }),

  next(pending, maxMessageBytes): Incoming | undefined {
    const length = pending.lengthBefore(SEPARATOR)
    if ((length ?? pending.length) > maxMessageBytes) throw new Garbage('a message beyond the limit')
    if (length === undefined) return undefined
    const message = parse(pending.take(0, length + 1).toString('utf8', 0, length))
    return incoming(message.type, message.invocationId, message.target, message.arguments, message.streamIds)
  },

  event: ({ target, args }) => encode({ type: INVOCATION, target, arguments: args }),
  result: (invocationId, result) => encode({ type: COMPLETION, invocationId, result: result ?? null }),
  error: (invocationId, error) => encode({ type: COMPLETION, invocationId, error }),
  // Without what is not true: clients look for the property.
  close: ({ error, allowReconnect }) =>
    encode({ type: CLOSE, error: error || undefined, allowReconnect: allowReconnect || undefined }),
}

/** @throws when JSON cannot say it */
export function encode(message: object): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\x1e`)
}

type Message = Partial<
  Record<'type' | 'invocationId' | 'target' | 'arguments' | 'streamIds' | 'protocol' | 'version', unknown>
>

/** @throws Garbage for anything but one JSON object */
export function parse(text: string): Message {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch (cause) {
    throw new Garbage('a message that is no JSON', { cause })
  }
  if (typeof message !== 'object' || message === null) throw new Garbage('a message that is no object')
  return message
}
