import type { ConversionPairs } from '../core/converter-port.ts'

const TEXTS = 'docx odt rtf txt html pdf'
const SHEETS = 'xlsx ods csv html pdf'
const SLIDES = 'pptx odp pdf'

/** Sources and targets of each kind. LibreOffice reads no Markdown, and PDF only as a drawing. */
const KINDS = [
  ['docx docm dotx dotm doc dot odt ott fodt rtf txt html htm', TEXTS],
  ['xlsx xlsm xltx xltm xls xlt ods ots fods csv tsv', SHEETS],
  ['pptx pptm ppsx ppsm potx potm ppt pps pot odp otp fodp', SLIDES],
] as const

export const LIBREOFFICE_PAIRS: ConversionPairs = new Map(
  KINDS.flatMap(([sources, targets]) =>
    sources
      .split(' ')
      .map((source) => [source, new Set(targets.split(' ').filter((target) => target !== source))] as const),
  ),
)

const UTF8_TEXT = 'Text (encoded):UTF8'
/** Separator, quote, character set 76 (UTF-8), first line. Source: LibreOffice, Filter Options for CSV. */
const csvFilter = (separator: string) => `Text - txt - csv (StarCalc):${separator.charCodeAt(0)},34,76,1`
/** Then: quotes only where they are needed, cells as they are shown, values instead of formulas. */
const CSV_OUTPUT = `${csvFilter(',')},,0,false,true,false`
const HTML_TEXT = 'HTML (StarWriter)'
const TEXT_SOURCES: ReadonlySet<string> = new Set(KINDS[0][0].split(' '))

/** Value of `--convert-to`: the extension, with the filter where the usual one is not the right one. */
export function outputFilter(from: string, to: string): string {
  if (to === 'txt') return `txt:${UTF8_TEXT}`
  if (to === 'csv') return `csv:${CSV_OUTPUT}`
  // Pictures go into the page: files beside it would be lost.
  if (to === 'html') return TEXT_SOURCES.has(from) ? `html:${HTML_TEXT}:EmbedImages` : 'html:HTML (StarCalc)'
  return to
}

/** Value of `--infilter`, undefined where LibreOffice finds out by itself. */
export function inputFilter(from: string, firstLine: string): string | undefined {
  // Otherwise it opens as a web page, from which few formats can be written.
  if (from === 'html' || from === 'htm') return HTML_TEXT
  if (from === 'txt') return UTF8_TEXT
  // Of a damaged workbook it would make a table of nonsense. This filter reads the older ones as well.
  if (from === 'xls' || from === 'xlt') return 'MS Excel 97'
  if (from === 'tsv') return csvFilter('\t')
  return from === 'csv' ? csvFilter(separatorOf(firstLine)) : undefined
}

/** Spreadsheets of many countries write CSV with semicolons. */
function separatorOf(line: string): string {
  const count = (separator: string) => line.split(separator).length
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best))
}
