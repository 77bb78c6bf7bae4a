import { HubError } from '../signalr/hub.ts'

const NAME_CHARACTERS = 100
/** Bytes, as JSON. Cursors take hundreds. */
const AWARENESS_BYTES = 64 * 1024
const AWARENESS_DEPTH = 32

export function documentIdIn(args: readonly unknown[]): string {
  const [documentId] = args
  if (typeof documentId !== 'string' || documentId.trim() === '' || documentId.length > 128)
    throw new HubError('documentId must be the id of a document [validation-failed]')
  return documentId.trim()
}

/** Undefined for what is none: the name is decoration, nobody is kept out for it. */
export function userNameIn(value: unknown): string | undefined {
  const name = typeof value === 'string' ? value.trim().slice(0, NAME_CHARACTERS) : ''
  return name === '' ? undefined : name
}

/** `#RRGGBB`; undefined for everything else, it ends up in other people's style sheets. */
export function userColorIn(value: unknown): string | undefined {
  return typeof value === 'string' && /^#[\da-f]{6}$/i.test(value) ? value : undefined
}

/** Base64 with padding (RFC 4648 §4) or, over MessagePack, bytes. */
export function bytesIn(value: unknown, name: string): { bytes: Uint8Array; base64: string } {
  if (value instanceof Uint8Array) {
    return {
      bytes: value,
      base64: Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64'),
    }
  }
  if (typeof value !== 'string') throw new HubError(`${name} must be Base64 [validation-failed]`)
  const bytes = Buffer.from(value, 'base64')
  // Node decodes what it can and skips the rest.
  if (bytes.toString('base64') !== value) throw new HubError(`${name} is not Base64 [validation-failed]`)
  return { bytes, base64: value }
}

/** Text or an object, as the client made it, that every protocol can carry; bytes as Base64. */
export function awarenessIn(value: unknown): unknown {
  const data = value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value
  if (data === undefined || data === null) throw new HubError('awareness is missing [validation-failed]')
  if (!isShallow(data, AWARENESS_DEPTH))
    throw new HubError(`awareness is deeper than ${AWARENESS_DEPTH} levels [awareness-too-large]`)
  const bytes = typeof data === 'string' ? data.length : Buffer.byteLength(JSON.stringify(data))
  if (bytes > AWARENESS_BYTES)
    throw new HubError(`awareness is larger than ${AWARENESS_BYTES} bytes [awareness-too-large]`)
  return data
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return levels > 0 && Object.values(value).every((one) => isShallow(one, levels - 1))
}
