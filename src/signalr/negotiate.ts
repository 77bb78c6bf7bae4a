import type { Connection } from './connection.ts'

const VERSION = 1
const AVAILABLE_TRANSPORTS = [
  { transport: 'WebSockets', transferFormats: ['Text', 'Binary'] },
  { transport: 'ServerSentEvents', transferFormats: ['Text'] },
  { transport: 'LongPolling', transferFormats: ['Text', 'Binary'] },
]

/**
 * Why the client cannot be served, undefined if it can. Told with status 200: its `start` fails with this text.
 *
 * Without a version clients take the public id for the secret token: they are not served.
 */
export function versionError(query: URLSearchParams): string | undefined {
  const asked = query.get('negotiateVersion') ?? '0'
  if (!/^\d{1,9}$/.test(asked))
    return `The client requested an invalid protocol version '${asked.slice(0, 20)}'`
  if (Number(asked) < VERSION) {
    return `The client requested version '${asked}', but the server does not support this version.`
  }
  return undefined
}

/** Source: SignalR TransportProtocols.md, POST [endpoint-base]/negotiate. */
export function negotiated<C>({ id, token }: Connection<C>): string {
  return JSON.stringify({
    negotiateVersion: VERSION,
    connectionId: id,
    connectionToken: token,
    availableTransports: AVAILABLE_TRANSPORTS,
  })
}
