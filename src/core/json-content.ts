import { storableInXml } from './blank/xml.ts'
import type { NutoType } from './formats.ts'
import { readJson } from './json-content/json-text.ts'
import { readDocument } from './json-content/read-document.ts'
import { readSheets } from './json-content/read-sheets.ts'
import { readSlides } from './json-content/read-slides.ts'

/** A file made from editor JSON: in the document's own format, or in the nearest one that we write ourselves and from which it is converted. */
export type MadeFile = { extension: 'docx' | 'html' | 'md' | 'txt' | 'xlsx' | 'csv' | 'pptx'; bytes: Buffer }

type Wanted = {
  type: NutoType
  /** Of the document, in lower case. */
  extension: string
  /** Goes into the properties of a file that has some. */
  title: string
}

/**
 * The file that editor JSON describes: a ProseMirror or TipTap document for Docs, `{sheets: [{name, rows}]}` for
 * Sheet, `{slides: [{title, body}]}` for Slide. Nothing is fetched, and all work is bounded by
 * json-content/limits.ts, given a text of at most 10 MiB, which the caller has checked.
 *
 * @returns undefined for JSON of no shape that is known for this type of document
 * @throws Problem `json-content-invalid` for text that is not JSON, a known shape that is broken, and beyond the limits
 */
export async function fileFromJson(jsonContent: string, wanted: Wanted): Promise<MadeFile | undefined> {
  const value = readJson(jsonContent)
  const title = storableInXml(wanted.title)
  if (wanted.type === 'Docs') return documentFile(value, wanted.extension, title)
  if (wanted.type === 'Sheet') return sheetFile(value, wanted.extension)
  return slideFile(value, title)
}

// The writers are loaded at first use, and with them their libraries.

async function documentFile(value: unknown, extension: string, title: string): Promise<MadeFile | undefined> {
  const blocks = readDocument(value)
  if (blocks === undefined) return undefined
  switch (extension) {
    case 'html': {
      const { writeHtml } = await import('./json-content/write-html.ts')
      return { extension, bytes: Buffer.from(writeHtml(blocks, title)) }
    }
    case 'md': {
      const { writeMarkdown } = await import('./json-content/write-markdown.ts')
      return { extension, bytes: Buffer.from(writeMarkdown(blocks)) }
    }
    case 'txt': {
      const { writeText } = await import('./json-content/write-text.ts')
      return { extension, bytes: Buffer.from(writeText(blocks)) }
    }
    default: {
      const { writeDocx } = await import('./json-content/write-docx.ts')
      return { extension: 'docx', bytes: await writeDocx(blocks, title) }
    }
  }
}

async function sheetFile(value: unknown, extension: string): Promise<MadeFile | undefined> {
  const sheets = readSheets(value)
  if (sheets === undefined) return undefined
  if (extension === 'csv') {
    const { writeCsv } = await import('./json-content/write-csv.ts')
    return { extension, bytes: Buffer.from(writeCsv(sheets)) }
  }
  const { writeXlsx } = await import('./json-content/write-xlsx.ts')
  return { extension: 'xlsx', bytes: await writeXlsx(sheets) }
}

async function slideFile(value: unknown, title: string): Promise<MadeFile | undefined> {
  const slides = readSlides(value)
  if (slides === undefined) return undefined
  const { writePptx } = await import('./json-content/write-pptx.ts')
  return { extension: 'pptx', bytes: await writePptx(slides, title) }
}
