/** Longest title in characters (Unicode code points). Source: Nuto Office API, Create document. */
export const MAX_TITLE_LENGTH = 500

/** Splits an uploaded file's name; a path in front is dropped. `extension` is lower case, '' when there is none. */
export function splitFileName(name: string): { title: string; extension: string } {
  const base = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1)
  const dot = base.lastIndexOf('.')
  if (dot <= 0) return { title: base, extension: '' }
  return { title: base.slice(0, dot), extension: base.slice(dot + 1).toLowerCase() }
}

/** A title never carries its extension: downloads and the editor add it. */
export function withoutExtension(title: string, extension: string): string {
  const ending = `.${extension}`
  return title.length > ending.length && title.toLowerCase().endsWith(ending)
    ? title.slice(0, -ending.length)
    : title
}

/** Titles are data and kept as given, only cut to the limit; lone surrogates cannot be stored as UTF-8. */
export function storableTitle(title: string): string {
  return [...title.toWellFormed()].slice(0, MAX_TITLE_LENGTH).join('')
}

/** For searching: without case, diacritics and differences of Unicode form. */
export function foldedTitle(title: string): string {
  // Lower case makes a sigma at the end of a word another letter than within one.
  return title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ς', 'σ')
}

/** The name that a download offers: title and extension, without what file systems refuse. */
export function offeredName(title: string, extension: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
  const safe = title.replace(/[/\\:*?"<>|\u0000-\u001f\u007f-\u009f]/g, '_')
  return `${safe}.${extension}`
}
