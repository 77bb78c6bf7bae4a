/** Makers of an empty file for each format that a document can be created in. */
const MAKERS = { docx: blankDocx, xlsx: blankXlsx, pptx: blankPptx } as const

/** An extension, lower case and without the dot. */
export type BlankFormat = keyof typeof MAKERS

export function isBlankFormat(extension: string): extension is BlankFormat {
  return Object.hasOwn(MAKERS, extension)
}

/**
 * A valid file with nothing in it: one empty paragraph, one empty sheet or one empty slide.
 *
 * @param title goes into the file's properties, except for XLSX, whose library writes none
 */
export function blankFile(extension: BlankFormat, title = ''): Promise<Buffer> {
  // XML cannot hold control characters or lone surrogates, and the libraries do not look for them.
  return MAKERS[extension](title.replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ' '))
}

// The libraries are loaded at first use: they cost memory and start-up time that most requests never need.

async function blankDocx(title: string): Promise<Buffer> {
  const { Document, Packer, Paragraph } = await import('docx')
  const properties = { title, creator: '', lastModifiedBy: '' }
  return Packer.toBuffer(new Document({ ...properties, sections: [{ children: [new Paragraph({})] }] }))
}

async function blankXlsx(): Promise<Buffer> {
  const { default: writeXlsx } = await import('write-excel-file/node')
  return writeXlsx([], { sheet: 'Sheet1' }).toBuffer()
}

async function blankPptx(title: string): Promise<Buffer> {
  const library = await import('pptxgenjs')
  // The library's types describe its CommonJS build; Node loads the module, whose default is the class itself.
  const Presentation = library.default as unknown as typeof library.default.default
  const presentation = new Presentation()
  presentation.layout = 'LAYOUT_WIDE'
  presentation.title = title
  // Its own name would stand in these.
  presentation.author = ''
  presentation.company = ''
  presentation.subject = ''
  presentation.addSlide()
  const bytes = await presentation.write({ outputType: 'nodebuffer' })
  if (!Buffer.isBuffer(bytes)) throw new TypeError('pptxgenjs gave no Buffer')
  return bytes
}
