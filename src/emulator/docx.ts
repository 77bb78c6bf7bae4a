import { unzipSync, zipSync } from 'fflate'

const DOCUMENT_PART = 'word/document.xml'
const MAX_PART_BYTES = 64 * 1024 * 1024
const MAX_UNPACKED_BYTES = 512 * 1024 * 1024
const STORED_AS_IS = /\.(png|jpe?g|gif|emf|wmf|mp4|mp3|zip|bin)$/i
// Fixed, so that the same content always gives the same bytes.
const MODIFIED = new Date(1980, 0, 1)
const TAG = /<(\/?)w:(p|t)(?:\s[^>]*)?\/?>/g

type Span = { start: number; end: number }
type Paragraph = Span & { openTag: string; isEmptyTag: boolean; texts: (Span & { text: string })[] }

/** The text of each paragraph of the body, nested ones (text boxes) left out; undefined if it is no docx. */
export function readParagraphs(bytes: Buffer): string[] | undefined {
  const xml = readDocumentPart(bytes)
  return xml === undefined ? undefined : parse(xml).map((paragraph) => textOf(paragraph))
}

/** Replaces the text of paragraphs; an index past the last one appends. All else in the file is kept. */
export function writeParagraphs(bytes: Buffer, edits: ReadonlyMap<number, string>): Buffer {
  let unpacked = 0
  const parts = unzipSync(bytes, {
    filter: (part) => {
      unpacked += part.originalSize
      if (unpacked > MAX_UNPACKED_BYTES) throw new RangeError('the document is too large when unpacked')
      return true
    },
  })
  const part = parts[DOCUMENT_PART]
  if (!part) throw new RangeError('this is no docx')
  parts[DOCUMENT_PART] = Buffer.from(rewrite(Buffer.from(part).toString('utf8'), edits))
  const packed = zipSync(
    Object.fromEntries(
      Object.entries(parts).map(([name, data]) => [name, [data, { level: STORED_AS_IS.test(name) ? 0 : 1 }]]),
    ),
    { mtime: MODIFIED },
  )
  return Buffer.from(packed)
}

function readDocumentPart(bytes: Buffer): string | undefined {
  try {
    const parts = unzipSync(bytes, {
      filter: (part) => part.name === DOCUMENT_PART && part.originalSize <= MAX_PART_BYTES,
    })
    const part = parts[DOCUMENT_PART]
    return part && Buffer.from(part).toString('utf8')
  } catch {
    return undefined
  }
}

function parse(xml: string): Paragraph[] {
  const paragraphs: Paragraph[] = []
  let depth = 0
  let open: Paragraph | undefined
  let textStart: { tag: number; content: number } | undefined
  for (const match of xml.matchAll(TAG)) {
    const [tag, slash, name] = match
    const end = match.index + tag.length
    const isEmptyTag = tag.endsWith('/>')
    if (name === 't') {
      if (depth !== 1 || isEmptyTag) continue
      if (!slash) textStart = { tag: match.index, content: end }
      else if (textStart) {
        open?.texts.push({
          start: textStart.tag,
          end,
          text: unescapeXml(xml.slice(textStart.content, match.index)),
        })
        textStart = undefined
      }
    } else if (isEmptyTag) {
      if (depth === 0) paragraphs.push({ start: match.index, end, openTag: tag, isEmptyTag, texts: [] })
    } else if (slash) {
      depth -= 1
      if (depth === 0 && open) paragraphs.push({ ...open, end })
    } else {
      depth += 1
      if (depth === 1) open = { start: match.index, end, openTag: tag, isEmptyTag, texts: [] }
    }
  }
  return paragraphs
}

function rewrite(xml: string, edits: ReadonlyMap<number, string>): string {
  const paragraphs = parse(xml)
  let out = ''
  let at = 0
  for (const [index, paragraph] of paragraphs.entries()) {
    const text = edits.get(index)
    if (text === undefined || text === textOf(paragraph)) continue
    out += xml.slice(at, paragraph.start) + rewriteParagraph(xml, paragraph, text)
    at = paragraph.end
  }
  const added = [...edits.entries()].filter(([index]) => index >= paragraphs.length).sort(([a], [b]) => a - b)
  if (added.length > 0) {
    const end = endOfBody(xml, paragraphs.at(-1)?.end ?? 0)
    out += xml.slice(at, end) + added.map(([, text]) => `<w:p>${run(text)}</w:p>`).join('')
    at = end
  }
  return out + xml.slice(at)
}

function rewriteParagraph(xml: string, paragraph: Paragraph, text: string): string {
  if (paragraph.isEmptyTag) return `${paragraph.openTag.replace(/\/>$/, '>')}${run(text)}</w:p>`
  if (paragraph.texts.length === 0) {
    const close = xml.lastIndexOf('</w:p', paragraph.end)
    return xml.slice(paragraph.start, close) + run(text) + xml.slice(close, paragraph.end)
  }
  let out = ''
  let at = paragraph.start
  for (const [index, span] of paragraph.texts.entries()) {
    out += xml.slice(at, span.start) + (index === 0 ? textElement(text) : '<w:t></w:t>')
    at = span.end
  }
  return out + xml.slice(at, paragraph.end)
}

/** Before the section properties that close the body, else before the end of the body. */
function endOfBody(xml: string, lastParagraphEnd: number): number {
  const body = xml.lastIndexOf('</w:body>')
  const section = xml.lastIndexOf('<w:sectPr')
  // A section inside a paragraph belongs to that paragraph.
  return section >= lastParagraphEnd && section < body ? section : body
}

function textOf(paragraph: Paragraph): string {
  return paragraph.texts.map((span) => span.text).join('')
}

function run(text: string): string {
  return `<w:r>${textElement(text)}</w:r>`
}

function textElement(text: string): string {
  return `<w:t xml:space="preserve">${escapeXml(text)}</w:t>`
}

function escapeXml(text: string): string {
  return (
    text
      .replace(/[\r\n]+/g, ' ')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: XML 1.0 has no way to write these
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
  )
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w+));/gi, (whole, hex, decimal, name) => {
    if (name) return ENTITIES[name] ?? whole
    const code = hex ? Number.parseInt(hex, 16) : Number.parseInt(decimal, 10)
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole
  })
}
