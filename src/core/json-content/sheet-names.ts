import { cleanLine } from './clean-text.ts'

const LENGTH_MAX = 31

/**
 * Names that Excel takes, as near to the given ones as possible.
 *
 * Source: Microsoft, Rename a worksheet: 1 to 31 characters, none of `/\?*:[]`, no apostrophe at either end, not
 * `History`; no two that differ in case only.
 */
export function sheetNames(names: readonly (string | undefined)[]): string[] {
  const taken = new Set<string>()
  return names.map((name, index) => {
    const words = cleanLine(name ?? '')
      .replace(/[[\]:*?/\\]/g, ' ')
      .replace(/^['\s]+|['\s]+$/g, '')
    const wanted = words === '' ? `Sheet${index + 1}` : words
    let unique = cut(wanted, LENGTH_MAX)
    for (let copy = 2; taken.has(unique.toLowerCase()) || unique.toLowerCase() === 'history'; copy += 1) {
      const suffix = ` (${copy})`
      unique = cut(wanted, LENGTH_MAX - suffix.length) + suffix
    }
    taken.add(unique.toLowerCase())
    return unique
  })
}

/** Excel counts UTF-16 units; half a character is none. */
function cut(text: string, length: number): string {
  return text
    .slice(0, length)
    .replace(/[\uD800-\uDBFF]$/, '')
    .replace(/['\s]+$/, '')
}
