import { type DocumentType, formatOf } from '../../core/formats.ts'
import type { DocumentRow } from '../../metadata/schema.ts'

/** Letters and symbols among them: fillers of Hangul, the empty pattern of Braille. */
const INVISIBLE = /^[\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]*$/u

/**
 * A title as the pages show it: without what moves the line or turns the direction of its extension
 * and of what follows it, and never without something to click.
 */
export function shownTitle(title: string): string {
  const shown = title.replace(/\p{Cc}+/gu, ' ').replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
  return INVISIBLE.test(shown) ? 'Untitled' : shown
}

/** Made once: making one takes longer than using it a thousand times. */
const TENTHS = new Intl.NumberFormat('en', { maximumFractionDigits: 1 })

/** `12 kB`; a thousand bytes are one kB. */
export function shownSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value < 10 ? TENTHS.format(value) : Math.round(value)} ${['B', 'kB', 'MB', 'GB', 'TB'][power]}`
}

/** A time before the page's script puts it in the reader's zone. */
export function shownTime(time: string): string {
  return `${time.slice(0, 16).replace('T', ' ')} UTC`
}

/** What the icon in front of a document tells. */
export function kindOf({ file_type }: Pick<DocumentRow, 'file_type'>): DocumentType {
  return formatOf(file_type)?.type ?? 'word'
}

/** `Ann, Bea and 2 more` */
export function shownNames(names: readonly string[]): string {
  const shown = names.slice(0, 2).map(shownTitle).join(', ')
  return names.length > 2 ? `${shown} and ${names.length - 2} more` : shown
}
