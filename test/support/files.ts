import { strFromU8, strToU8, unzipSync, type Zippable, zipSync } from 'fflate'
import type { RandomAccess } from '../../src/core/ports.ts'

const CONTENT_TYPES = 'http://schemas.openxmlformats.org/package/2006/content-types'
const PACKAGE_RELATIONSHIPS = 'http://schemas.openxmlformats.org/package/2006/relationships'
const RELATIONSHIPS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const WORD = 'http://schemas.openxmlformats.org/wordprocessingml/2006/main'
const SHEET = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const SLIDE = 'http://schemas.openxmlformats.org/presentationml/2006/main'
const DRAWING = 'http://schemas.openxmlformats.org/drawingml/2006/main'
const OFFICE_TYPE = 'application/vnd.openxmlformats-officedocument'

/** Part names to text or bytes. */
export type Parts = Record<string, string | Uint8Array>

/** A zip of the parts in their order; the same parts give the same bytes. */
export function makeZip(parts: Parts, level: 0 | 6 = 6): Buffer {
  const files: Zippable = {}
  for (const [name, part] of Object.entries(parts)) {
    files[name] = typeof part === 'string' ? strToU8(part) : part
  }
  return Buffer.from(zipSync(files, { level, mtime: new Date(2000, 0, 1) }))
}

/** A package with content types and the one relationship to its main part; the other parts as given. */
export function makeOoxml(main: string, contentType: string, parts: Parts, types: Parts = {}): Buffer {
  return makeZip({
    '[Content_Types].xml': contentTypes({ [main]: contentType, ...types }),
    '_rels/.rels': relationships({ officeDocument: main }),
    ...parts,
  })
}

/** A Word document with one paragraph for each string. */
export function makeDocx(paragraphs: string[]): Buffer {
  const body = paragraphs
    .map((text) => `<w:p><w:r><w:t xml:space="preserve">${escapeXml(text)}</w:t></w:r></w:p>`)
    .join('')
  return makeOoxml('word/document.xml', `${OFFICE_TYPE}.wordprocessingml.document.main+xml`, {
    'word/document.xml': xml(
      `<w:document xmlns:w="${WORD}"><w:body>${body}<w:sectPr/></w:body></w:document>`,
    ),
  })
}

/** The text of every paragraph of a docx, whoever made it. */
export function docxParagraphs(bytes: Buffer): string[] {
  const name = 'word/document.xml'
  const part = unzipSync(bytes, { filter: (file) => file.name === name })[name]
  if (!part) throw new Error(`The file has no ${name}`)
  const paragraphs = strFromU8(part).matchAll(/<w:p(?:\s[^>]*)?(?:\/>|>(.*?)<\/w:p>)/gs)
  return Array.from(paragraphs, ([, content = '']) =>
    Array.from(content.matchAll(/<w:t(?:\s[^>]*)?>([^<]*)<\/w:t>/g), ([, text = '']) =>
      unescapeXml(text),
    ).join(''),
  )
}

/** A workbook with one sheet of text cells. */
export function makeXlsx(rows: string[][]): Buffer {
  const data = rows
    .map((cells) => {
      const inner = cells.map((text) => `<c t="inlineStr"><is><t>${escapeXml(text)}</t></is></c>`).join('')
      return `<row>${inner}</row>`
    })
    .join('')
  return makeOoxml(
    'xl/workbook.xml',
    `${OFFICE_TYPE}.spreadsheetml.sheet.main+xml`,
    {
      'xl/workbook.xml': xml(
        `<workbook xmlns="${SHEET}" xmlns:r="${RELATIONSHIPS}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
      ),
      'xl/_rels/workbook.xml.rels': relationships({ worksheet: 'worksheets/sheet1.xml' }),
      'xl/worksheets/sheet1.xml': xml(
        `<worksheet xmlns="${SHEET}"><sheetData>${data}</sheetData></worksheet>`,
      ),
    },
    { 'xl/worksheets/sheet1.xml': `${OFFICE_TYPE}.spreadsheetml.worksheet+xml` },
  )
}

/** A presentation with one empty slide, and the master, layout and theme that a slide needs. */
export function makePptx(): Buffer {
  const namespaces = `xmlns:a="${DRAWING}" xmlns:r="${RELATIONSHIPS}" xmlns:p="${SLIDE}"`
  const emptyTree =
    '<p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/></p:spTree></p:cSld>'
  const colors =
    'bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"'
  const layoutIds = '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst>'
  const size = '<p:sldSz cx="12192000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/>'
  const type = `${OFFICE_TYPE}.presentationml`
  return makeOoxml(
    'ppt/presentation.xml',
    `${type}.presentation.main+xml`,
    {
      'ppt/presentation.xml': xml(
        `<p:presentation ${namespaces}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst><p:sldId id="256" r:id="rId2"/></p:sldIdLst>${size}</p:presentation>`,
      ),
      'ppt/_rels/presentation.xml.rels': relationships({
        slideMaster: 'slideMasters/slideMaster1.xml',
        slide: 'slides/slide1.xml',
        theme: 'theme/theme1.xml',
      }),
      'ppt/slideMasters/slideMaster1.xml': xml(
        `<p:sldMaster ${namespaces}>${emptyTree}<p:clrMap ${colors}/>${layoutIds}</p:sldMaster>`,
      ),
      'ppt/slideMasters/_rels/slideMaster1.xml.rels': relationships({
        slideLayout: '../slideLayouts/slideLayout1.xml',
        theme: '../theme/theme1.xml',
      }),
      'ppt/slideLayouts/slideLayout1.xml': xml(
        `<p:sldLayout ${namespaces} type="blank">${emptyTree}</p:sldLayout>`,
      ),
      'ppt/slideLayouts/_rels/slideLayout1.xml.rels': relationships({
        slideMaster: '../slideMasters/slideMaster1.xml',
      }),
      'ppt/slides/slide1.xml': xml(`<p:sld ${namespaces}>${emptyTree}</p:sld>`),
      'ppt/slides/_rels/slide1.xml.rels': relationships({ slideLayout: '../slideLayouts/slideLayout1.xml' }),
      'ppt/theme/theme1.xml': xml(theme()),
    },
    {
      'ppt/slideMasters/slideMaster1.xml': `${type}.slideMaster+xml`,
      'ppt/slideLayouts/slideLayout1.xml': `${type}.slideLayout+xml`,
      'ppt/slides/slide1.xml': `${type}.slide+xml`,
      'ppt/theme/theme1.xml': `${OFFICE_TYPE}.theme+xml`,
    },
  )
}

/** An OpenDocument package of this MIME type with an empty body; the type stands first and uncompressed. */
export function makeOdf(mimeType: string): Buffer {
  const manifest = 'urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'
  const office = 'urn:oasis:names:tc:opendocument:xmlns:office:1.0'
  const body = mimeType.split('.').at(-1)?.replace('-template', '') ?? ''
  return makeZip(
    {
      mimetype: mimeType,
      'META-INF/manifest.xml': xml(
        `<manifest:manifest xmlns:manifest="${manifest}" manifest:version="1.2"><manifest:file-entry manifest:full-path="/" manifest:media-type="${mimeType}"/><manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>`,
      ),
      'content.xml': xml(
        `<office:document-content xmlns:office="${office}" office:version="1.2"><office:body><office:${body}/></office:body></office:document-content>`,
      ),
    },
    0,
  )
}

export type RawEntry = {
  name: string
  /** Deflated bytes, written as they are. */
  packed?: Buffer
  /** The unpacked size to announce, true or not. */
  size?: number
}

/** A zip with a 64-bit directory: as many entries, and as untrue ones, as a test needs. */
export function makeZip64(entries: RawEntry[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, packed = Buffer.alloc(0), size = packed.length } of entries) {
    const sizes = Buffer.alloc(26)
    sizes.writeUInt16LE(20, 0)
    sizes.writeUInt16LE(8, 4)
    sizes.writeUInt32LE(packed.length, 14)
    sizes.writeUInt32LE(size, 18)
    sizes.writeUInt16LE(Buffer.byteLength(name), 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), sizes, Buffer.from(name), packed])
    directory.push(Buffer.from('PK\x01\x02\x14\0'), sizes, place, Buffer.from(name))
    locals.push(local)
    offset += local.length
  }
  const directoryBytes = directory.reduce((sum, part) => sum + part.length, 0)
  const end64 = Buffer.alloc(56)
  end64.write('PK\x06\x06', 'latin1')
  end64.writeBigUInt64LE(44n, 4)
  end64.writeBigUInt64LE(BigInt(entries.length), 24)
  end64.writeBigUInt64LE(BigInt(entries.length), 32)
  end64.writeBigUInt64LE(BigInt(directoryBytes), 40)
  end64.writeBigUInt64LE(BigInt(offset), 48)
  const locator = Buffer.alloc(20)
  locator.write('PK\x06\x07', 'latin1')
  locator.writeBigUInt64LE(BigInt(offset + directoryBytes), 8)
  locator.writeUInt32LE(1, 16)
  const end = Buffer.alloc(22, 0xff)
  end.write('PK\x05\x06\0\0\0\0', 'latin1')
  end.writeUInt16LE(0, 20)
  return Buffer.concat([...locals, ...directory, end64, locator, end])
}

/**
 * An OLE compound file with these empty streams at the top, and more inside a storage below. Layout: header,
 * sector 0 the allocation table, the directory from sector 1 on.
 */
export function makeOle(top: string[], embedded: string[] = []): Buffer {
  const none = 0xffffffff
  const nodes = [
    { name: 'Root Entry', type: 5, right: none, child: 1 },
    ...top.map((name, index) => ({
      name,
      type: 2,
      right: index + 1 < top.length ? index + 2 : none,
      child: none,
    })),
    ...embedded.map((name) => ({ name, type: 2, right: none, child: none })),
  ]
  if (embedded.length > 0) Object.assign(nodes[1] ?? {}, { type: 1, child: top.length + 1 })
  const sectors = Math.ceil(nodes.length / 4)
  const bytes = Buffer.alloc(512 * (2 + sectors))
  const header: [number, number][] = [
    [24, 0x0003003e],
    [28, 0x0009fffe],
    [32, 6],
    [44, 1],
    [48, 1],
    [56, 4096],
    [60, 0xfffffffe],
    [68, 0xfffffffe],
  ]
  bytes.write('d0cf11e0a1b11ae1', 'hex')
  for (const [offset, value] of header) bytes.writeUInt32LE(value, offset)
  bytes.fill(0xff, 76, 1024)
  bytes.writeUInt32LE(0, 76)
  bytes.writeUInt32LE(0xfffffffd, 512)
  for (let sector = 1; sector <= sectors; sector += 1) {
    bytes.writeUInt32LE(sector === sectors ? 0xfffffffe : sector + 1, 512 + sector * 4)
  }
  nodes.forEach(({ name, type, right, child }, index) => {
    const entry = bytes.subarray(1024 + index * 128)
    entry.write(name, 'utf16le')
    entry.writeUInt16LE(name.length * 2 + 2, 64)
    entry.writeUInt8(type, 66)
    entry.writeUInt8(1, 67)
    entry.writeUInt32LE(none, 68)
    entry.writeUInt32LE(right, 72)
    entry.writeUInt32LE(child, 76)
    entry.writeUInt32LE(0xfffffffe, 116)
  })
  return bytes
}

export type MemoryFile = RandomAccess & {
  /** Bytes handed out so far. */
  readonly bytesRead: number
}

/** Bytes in memory behind the interface of a stored file. */
export function memoryFile(bytes: Buffer): MemoryFile {
  let bytesRead = 0
  return {
    size: bytes.length,
    get bytesRead() {
      return bytesRead
    },
    async read(offset, length) {
      const part = bytes.subarray(offset, offset + length)
      bytesRead += part.length
      return part
    },
  }
}

function contentTypes(overrides: Parts): string {
  const parts = Object.entries(overrides)
    .map(([name, type]) => `<Override PartName="/${name}" ContentType="${type}"/>`)
    .join('')
  return xml(
    `<Types xmlns="${CONTENT_TYPES}"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${parts}</Types>`,
  )
}

/** Relationship types to targets; the ids are rId1, rId2, … in this order. */
function relationships(targets: Record<string, string>): string {
  const all = Object.entries(targets)
    .map(
      ([type, target], index) =>
        `<Relationship Id="rId${index + 1}" Type="${RELATIONSHIPS}/${type}" Target="${target}"/>`,
    )
    .join('')
  return xml(`<Relationships xmlns="${PACKAGE_RELATIONSHIPS}">${all}</Relationships>`)
}

function theme(): string {
  const system = { dk1: '000000', lt1: 'FFFFFF', dk2: '1F497D', lt2: 'EEECE1' }
  const accents = { accent1: '4F81BD', accent2: 'C0504D', accent3: '9BBB59', accent4: '8064A2' }
  const more = { accent5: '4BACC6', accent6: 'F79646', hlink: '0000FF', folHlink: '800080' }
  const colors = Object.entries({ ...system, ...accents, ...more })
    .map(([name, rgb]) => `<a:${name}><a:srgbClr val="${rgb}"/></a:${name}>`)
    .join('')
  const font = '<a:latin typeface="Arial"/><a:ea typeface=""/><a:cs typeface=""/>'
  const fill = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
  const styles = [
    `<a:fillStyleLst>${fill.repeat(3)}</a:fillStyleLst>`,
    `<a:lnStyleLst>${`<a:ln>${fill}</a:ln>`.repeat(3)}</a:lnStyleLst>`,
    `<a:effectStyleLst>${'<a:effectStyle><a:effectLst/></a:effectStyle>'.repeat(3)}</a:effectStyleLst>`,
    `<a:bgFillStyleLst>${fill.repeat(3)}</a:bgFillStyleLst>`,
  ].join('')
  return `<a:theme xmlns:a="${DRAWING}" name="Plain"><a:themeElements><a:clrScheme name="Plain">${colors}</a:clrScheme><a:fontScheme name="Plain"><a:majorFont>${font}</a:majorFont><a:minorFont>${font}</a:minorFont></a:fontScheme><a:fmtScheme name="Plain">${styles}</a:fmtScheme></a:themeElements></a:theme>`
}

function xml(root: string): string {
  return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${root}`
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function unescapeXml(text: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|quot|apos|amp));/gi, (_, hex, decimal, name) =>
    name ? (named[name] ?? '') : String.fromCodePoint(hex ? Number.parseInt(hex, 16) : Number(decimal)),
  )
}
