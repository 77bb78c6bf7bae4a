import { blankDocx, blankPptx, blankXlsx } from './blank/ooxml.ts'
import { blankOpenDocument } from './blank/open-document.ts'
import { blankPdf } from './blank/pdf.ts'
import { blankHtml, blankRtf } from './blank/text.ts'
import { storableInXml } from './blank/xml.ts'

type Maker = (title: string) => Buffer | Promise<Buffer>

/** Makers of an empty file for each format that a document can be created in. */
const MAKERS = {
  docx: blankDocx,
  odt: (title) => blankOpenDocument('odt', title),
  txt: () => emptyLine('\n'),
  md: () => emptyLine('\n'),
  html: blankHtml,
  rtf: blankRtf,
  pdf: blankPdf,
  xlsx: blankXlsx,
  // Lines of CSV end with CRLF. Source: RFC 4180 §2.
  csv: () => emptyLine('\r\n'),
  ods: (title) => blankOpenDocument('ods', title),
  pptx: blankPptx,
  odp: (title) => blankOpenDocument('odp', title),
} as const satisfies Record<string, Maker>

/** An extension, lower case and without the dot. */
export type BlankFormat = keyof typeof MAKERS

export function isBlankFormat(extension: string): extension is BlankFormat {
  return Object.hasOwn(MAKERS, extension)
}

/**
 * A valid file with nothing in it: one empty paragraph, page, sheet or slide.
 *
 * @param title goes into the file's properties; TXT, MD and CSV have none, and the library for XLSX writes none
 */
export async function blankFile(extension: BlankFormat, title = ''): Promise<Buffer> {
  return MAKERS[extension](storableInXml(title))
}

/**
 * One line without words. No bytes at all would be valid text too, but a file of 0 bytes looks like a transfer
 * that failed, and not every editor opens one.
 */
function emptyLine(lineEnd: string): Buffer {
  return Buffer.from(lineEnd)
}
