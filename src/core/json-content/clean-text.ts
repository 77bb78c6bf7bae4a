const UNSTORABLE = /[^\P{Cc}\t\n]|\p{Cs}|[\uFFFE\uFFFF]/gu

/**
 * Text that every format can hold, with tabs and line ends (`\n`) kept. Other control characters, lone surrogates
 * and what XML forbids become spaces.
 */
export function cleanText(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(UNSTORABLE, ' ')
}

/** The same on one line. */
export function cleanLine(text: string): string {
  return cleanText(text).replace(/[\t\n]+/g, ' ')
}
