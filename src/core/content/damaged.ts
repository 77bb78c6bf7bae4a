import type { RandomAccess } from '../ports.ts'

/** The file breaks the rules of its container: a finding about the bytes, not a fault of the storage. */
export class Damaged extends Error {}

/** @throws Damaged when the file ends earlier */
export async function readExactly(bytes: RandomAccess, offset: number, length: number): Promise<Buffer> {
  // Offsets come from the file: a store is never asked for what lies outside it.
  if (!(offset >= 0) || offset + length > bytes.size) throw new Damaged('The file ends too early')
  const part = await bytes.read(offset, length)
  if (part.length < length) throw new Damaged('The file ends too early')
  return part
}
