import { cleanLine, cleanText } from './clean-text.ts'
import type { Inline, TextStyle } from './document-blocks.ts'
import { imageOfDataUrl } from './read-image.ts'
import { readLink, readMarks } from './read-marks.ts'
import { type Node, type NodeReader, wholeNumber } from './read-node.ts'

const INLINE = new Set(['text', 'hardBreak', 'image', 'mention', 'emoji'])

export function isInline({ name, text }: Node): boolean {
  return text !== undefined || INLINE.has(name)
}

/** The content of a paragraph or heading. Blocks that stand in it by mistake give their content, on lines of their own. */
export function readInlines(reader: NodeReader, parent: Node): Inline[] {
  const inlines: Inline[] = []
  readContent(reader, parent, inlines)
  return inlines
}

/** A node for which isInline is true. */
export function readInline(reader: NodeReader, node: Node, into: Inline[]): void {
  const style = readMarks(node.marks)
  if (style.link) reader.count('links')
  if (node.text !== undefined) pushText(reader, node.text, style, into)
  else if (node.name === 'hardBreak') into.push({ kind: 'break' })
  else if (node.name === 'image') pushImage(reader, node, style, into)
  else if (node.content.length === 0) pushText(reader, leafText(node), style, into)
  readContent(reader, node, into)
}

const LABELS = ['label', 'text', 'title', 'alt', 'latex', 'name']

/** What a node without content says of itself: a person's name, a formula, the address of a video. */
export function leafText({ name, attrs }: Node): string {
  const keys = name === 'mention' ? [...LABELS, 'id'] : LABELS
  const label = keys.map((key) => attrs[key]).find((value) => typeof value === 'string' && value !== '')
  const text = typeof label === 'string' ? label : (readLink(attrs.src) ?? '')
  if (name === 'mention' && text !== '' && !text.startsWith('@')) return `@${text}`
  return name === 'emoji' && text !== '' ? `:${text}:` : text
}

function readContent(reader: NodeReader, parent: Node, into: Inline[]): void {
  for (const child of parent.content) {
    const node = reader.open(child, parent.level + 1)
    if (!isInline(node) && node.content.length > 0 && into.length > 0) into.push({ kind: 'break' })
    readInline(reader, node, into)
  }
}

function pushText(reader: NodeReader, text: string, style: TextStyle, into: Inline[]): void {
  const clean = cleanText(text)
  if (clean === '') return
  if (!clean.includes('\n')) {
    into.push({ kind: 'text', text: clean, style })
    return
  }
  for (const [index, line] of clean.split('\n').entries()) {
    if (index > 0) {
      reader.count('nodes')
      into.push({ kind: 'break' })
    }
    if (line !== '') into.push({ kind: 'text', text: line, style })
  }
}

/** Pictures elsewhere are not fetched: what stands for them is a link. */
function pushImage(reader: NodeReader, { attrs }: Node, style: TextStyle, into: Inline[]): void {
  const src = typeof attrs.src === 'string' ? attrs.src : ''
  const alt = [attrs.alt, attrs.title].find((value) => typeof value === 'string' && value !== '')
  const words = typeof alt === 'string' ? cleanLine(alt) : ''
  if (/^data:/i.test(src)) {
    reader.count('pictures')
    const width = wholeNumber(attrs.width, 1, 10_000)
    const height = wholeNumber(attrs.height, 1, 10_000)
    const asked = { ...(width ? { width } : {}), ...(height ? { height } : {}) }
    const image = imageOfDataUrl(src, words, asked)
    if (image) into.push({ kind: 'image', image })
    else if (words !== '') into.push({ kind: 'text', text: words, style })
    return
  }
  const link = readLink(src)
  if (link) reader.count('links')
  const text = words === '' ? (link ?? '') : words
  if (text !== '') into.push({ kind: 'text', text, style: link ? { ...style, link } : style })
}
