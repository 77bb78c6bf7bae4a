import { makeDocx } from '../support/files.ts'

/** Offset of the directory in the last 22 bytes of a zip. Source: APPNOTE.TXT §4.3.16. */
const END_BYTES = 22
const DIRECTORY_OFFSET = 16

export type LargeDocx = { head: Buffer; fillerBytes: number; tail: Buffer }

/**
 * A valid docx of exactly this size whose filler, between the last part and the directory, may hold
 * anything: many different files, and large ones, without holding or packing them.
 */
export function docxOf(size: number): LargeDocx {
  const small = makeDocx(['A document for measuring'])
  const directory = small.readUInt32LE(small.length - END_BYTES + DIRECTORY_OFFSET)
  const fillerBytes = size - small.length
  const tail = Buffer.from(small.subarray(directory))
  tail.writeUInt32LE(directory + fillerBytes, tail.length - END_BYTES + DIRECTORY_OFFSET)
  return { head: small.subarray(0, directory), fillerBytes, tail }
}
