/** Source: RFC 9110 §8.8.3, without bytes beyond ASCII. */
const STRONG = /^"[\x21\x23-\x7e]{1,200}"$/

/** Only a strong one says that the bytes are the same. @returns undefined for a weak or odd one */
export function strongETag(given: string | undefined): string | undefined {
  return given !== undefined && STRONG.test(given) ? given : undefined
}

/** As people write it in JSON: the quotes may be missing. @returns undefined for a weak or odd one */
export function writtenETag(given: string | undefined): string | undefined {
  if (given === undefined) return undefined
  return strongETag(given.includes('"') ? given : `"${given}"`)
}
