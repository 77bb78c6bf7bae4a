import { invalid, JSON_LEVELS_MAX } from './limits.ts'

/**
 * The value of a JSON text. The levels are counted in the text, before it is read: a value within the limit can
 * be walked by recursion.
 *
 * @throws Problem `json-content-invalid` for text that is not JSON or has too many levels
 */
export function readJson(text: string): unknown {
  if (levelsOf(text) > JSON_LEVELS_MAX) throw invalid(`more than ${JSON_LEVELS_MAX} levels of nesting`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid('the text is not JSON', { cause })
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** The deepest level; for text that is not JSON any number, as it is refused later. */
function levelsOf(text: string): number {
  let level = 0
  let deepest = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code === QUOTE) {
      index = endOfString(text, index)
    } else if (code === 0x5b || code === 0x7b) {
      level += 1
      if (level > deepest) deepest = level
    } else if (code === 0x5d || code === 0x7d) {
      level -= 1
    }
  }
  return deepest
}

/** Where the closing quote is. */
function endOfString(text: string, start: number): number {
  let index = start + 1
  while (index < text.length && text.charCodeAt(index) !== QUOTE) {
    index += text.charCodeAt(index) === BACKSLASH ? 2 : 1
  }
  return index
}
