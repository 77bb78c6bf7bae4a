import type { RandomAccess } from '../ports.ts'

const SAMPLE_BYTES = 64 * 1024

export type TextSample = {
  /** The first 64 KiB. */
  start: string
  /** False for 8-bit text of unknown code page, which is a guess. */
  isUnicode: boolean
}

/**
 * The start of a text, undefined if the file is binary. Text is UTF-8, UTF-16 with a byte order mark, or
 * of an 8-bit code page; it has neither NUL nor two control characters in a row, at the start,
 * in the middle and at the end (64 KiB each).
 */
export async function sampleText(bytes: RandomAccess, head: Buffer): Promise<TextSample | undefined> {
  const utf16 = utf16Encoding(head)
  const start = decode(head.subarray(0, SAMPLE_BYTES), utf16)
  if (hasControls(start.text)) return undefined
  const middle = evenFloor(bytes.size / 2)
  const end = Math.max(SAMPLE_BYTES, evenFloor(bytes.size - SAMPLE_BYTES))
  for (const offset of [middle, end]) {
    if (offset < SAMPLE_BYTES || offset >= bytes.size) continue
    // One byte more than a sample, since `end` may be rounded down.
    if (hasControls(decode(await bytes.read(offset, SAMPLE_BYTES + 1), utf16).text)) return undefined
  }
  return { start: start.text, isUnicode: start.isUnicode }
}

/** UTF-16 has two bytes a unit: a sample begins at a whole one. */
function evenFloor(offset: number): number {
  return Math.floor(offset / 2) * 2
}

function utf16Encoding(head: Buffer): 'utf-16le' | 'utf-16be' | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  return undefined
}

function decode(sample: Buffer, utf16: 'utf-16le' | 'utf-16be' | undefined) {
  if (utf16) return { text: new TextDecoder(utf16).decode(sample), isUnicode: true }
  try {
    // A sample from the middle may begin inside a character (at most 3 bytes of it), and any may end in one.
    let begin = 0
    while (begin < 3 && ((sample[begin] ?? 0) & 0xc0) === 0x80) begin += 1
    const decoder = new TextDecoder('utf-8', { fatal: true })
    return { text: decoder.decode(sample.subarray(begin), { stream: true }), isUnicode: true }
  } catch {
    return { text: sample.toString('latin1'), isUnicode: false }
  }
}

function hasControls(text: string): boolean {
  let run = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === 0) return true
    run = isControl(code) ? run + 1 : 0
    if (run === 2) return true
  }
  return false
}

/** Backspace to carriage return, the end mark of DOS (1A) and escape (1B) do stand in texts. */
function isControl(code: number): boolean {
  return code < 8 || (code > 13 && code < 32 && code !== 26 && code !== 27) || code === 127
}
