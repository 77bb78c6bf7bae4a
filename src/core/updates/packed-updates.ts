import { createDecoder, hasContent, readVarUint8Array } from 'lib0/decoding'
import { createEncoder, toUint8Array, writeVarUint8Array } from 'lib0/encoding'

/** A Yjs update V1 that changes nothing. */
export const NO_UPDATE = new Uint8Array([0, 0])

/** The updates one after the other, each after its length. */
export function packUpdates(updates: Iterable<Uint8Array>): Uint8Array {
  const encoder = createEncoder()
  for (const update of updates) writeVarUint8Array(encoder, update)
  return toUint8Array(encoder)
}

/** Views of what was packed. */
export function unpackUpdates(packed: Uint8Array): Uint8Array[] {
  const decoder = createDecoder(packed)
  const updates: Uint8Array[] = []
  while (hasContent(decoder)) updates.push(readVarUint8Array(decoder))
  return updates
}

/** What was packed in parts, as if it had been packed at once. */
export function joinPacked(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((bytes, part) => bytes + part.byteLength, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.byteLength
  }
  return joined
}
