import { Garbage } from './protocol.ts'

/** What is nested more deeply could not be written again. Source: @msgpack/msgpack, Encoder. */
const MOST_DEPTH = 100

/**
 * Sees to it that `bytes` are one value, whole, before a decoder reserves room for as many elements as
 * they only promise: five bytes can promise four thousand million. Nor for as many levels: it keeps that.
 *
 * Source: MessagePack specification, Formats.
 * @throws Garbage
 */
export function demandWholeValue(bytes: Buffer): void {
  let at = 0
  /** On all levels, and on the innermost. */
  let missing = 1
  let left = 1
  const outer: number[] = []
  while (missing > 0) {
    const format = bytes[at]
    // Every value takes a byte at least.
    if (format === undefined || missing > bytes.length - at) throw new Garbage('a value that is not whole')
    while (left === 0) left = outer.pop() ?? 0
    at += 1
    missing -= 1
    left -= 1
    let inner = 0
    if (format <= 0x7f || format >= 0xe0) continue
    if (format <= 0x8f) inner = 2 * (format & 0x0f)
    else if (format <= 0x9f) inner = format & 0x0f
    else if (format <= 0xbf) at += format & 0x1f
    else {
      const { prefix, elements, extra } = shapeOf(format)
      const count = prefix === 0 ? 0 : at + prefix <= bytes.length ? bytes.readUIntBE(at, prefix) : undefined
      if (count === undefined) throw new Garbage('a value that is not whole')
      at += prefix + extra
      if (elements === 0) at += count
      else inner = elements * count
    }
    if (inner === 0) continue
    if (outer.push(left) > MOST_DEPTH) throw new Garbage('a value nested too deeply')
    missing += inner
    left = inner
  }
  if (at !== bytes.length) throw new Garbage('bytes that belong to no value')
}

/** How long the count after `format` is, how many values (none: bytes) one of it stands for, and what else follows. */
function shapeOf(format: number): { prefix: number; elements: number; extra: number } {
  if (format <= 0xc3) return FIXED[0]
  if (format <= 0xc6) return COUNTED[format - 0xc4] ?? FIXED[0]
  if (format <= 0xc9) return EXTENSIONS[format - 0xc7] ?? FIXED[0]
  if (format <= 0xd3) return { prefix: 0, elements: 0, extra: NUMBER_BYTES[format - 0xca] ?? 0 }
  if (format <= 0xd8) return { prefix: 0, elements: 0, extra: 1 + 2 ** (format - 0xd4) }
  if (format <= 0xdb) return COUNTED[format - 0xd9] ?? FIXED[0]
  return { prefix: format % 2 === 0 ? 2 : 4, elements: format <= 0xdd ? 1 : 2, extra: 0 }
}

/** nil, never used, false, true */
const FIXED = [{ prefix: 0, elements: 0, extra: 0 }] as const
/** bin and str of 8, 16 and 32 bits of length */
const COUNTED = [1, 2, 4].map((prefix) => ({ prefix, elements: 0, extra: 0 }))
/** ext of 8, 16 and 32 bits of length: a type follows */
const EXTENSIONS = [1, 2, 4].map((prefix) => ({ prefix, elements: 0, extra: 1 }))
/** float 32 and 64, uint and int of 8 to 64 bits */
const NUMBER_BYTES = [4, 8, 1, 2, 4, 8, 1, 2, 4, 8]
