import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'

// The libraries are loaded at first use: they cost memory and start-up time that most requests never need.

export async function blankDocx(title: string): Promise<Buffer> {
  const { Document, Packer, Paragraph } = await import('docx')
  const properties = { title, creator: '', lastModifiedBy: '' }
  return Packer.toBuffer(new Document({ ...properties, sections: [{ children: [new Paragraph({})] }] }))
}

export async function blankXlsx(): Promise<Buffer> {
  const { default: writeXlsx } = await import('write-excel-file/node')
  return writeXlsx([], { sheet: 'Sheet1' }).toBuffer()
}

export async function blankPptx(title: string): Promise<Buffer> {
  const presentation = await newPresentation(title)
  presentation.addSlide()
  return presentationBytes(presentation)
}

export type Presentation = Awaited<ReturnType<typeof newPresentation>>

/** A wide presentation without slides. */
export async function newPresentation(title: string) {
  const library = await import('pptxgenjs')
  // The library's types describe its CommonJS build; Node loads the module, whose default is the class itself.
  const Library = library.default as unknown as typeof library.default.default
  const presentation = new Library()
  presentation.layout = 'LAYOUT_WIDE'
  presentation.title = title
  // Its own name would stand in these.
  presentation.author = ''
  presentation.company = ''
  presentation.subject = ''
  return presentation
}

export async function presentationBytes(presentation: Presentation): Promise<Buffer> {
  const bytes = await presentation.write({ outputType: 'uint8array' })
  if (!(bytes instanceof Uint8Array)) throw new TypeError('pptxgenjs gave no bytes')
  return Buffer.from(zipSync(withoutMissingParts(unzipSync(bytes))))
}

const CONTENT_TYPES = '[Content_Types].xml'

/** The library writes one slide master but declares one for each slide; a strict reader may refuse that. */
function withoutMissingParts(files: Record<string, Uint8Array>): Record<string, Uint8Array> {
  const types = strFromU8(files[CONTENT_TYPES] ?? new Uint8Array())
  const present = types.replace(/<Override PartName="\/([^"]+)"[^>]*\/>/g, (override, name) =>
    Object.hasOwn(files, name) ? override : '',
  )
  return { ...files, [CONTENT_TYPES]: strToU8(present) }
}
