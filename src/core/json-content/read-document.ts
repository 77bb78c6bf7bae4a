import { cleanLine } from './clean-text.ts'
import {
  type Align,
  type Block,
  type HeadingLevel,
  type Inline,
  type List,
  type ListItem,
  plainText,
} from './document-blocks.ts'
import { isObject } from './json-text.ts'
import { isInline, leafText, readInline, readInlines } from './read-inline.ts'
import { type Node, NodeReader, wholeNumber } from './read-node.ts'
import { readTable } from './read-table.ts'

/**
 * The blocks of a ProseMirror or TipTap document. Of nodes that are not known the content is kept, as if it stood
 * alone.
 *
 * @returns undefined for what is no such document
 * @throws Problem `json-content-invalid` for a broken one and beyond the limits
 *
 * Source: ProseMirror reference, Node.toJSON: a node without content has no `content`.
 */
export function readDocument(value: unknown): Block[] | undefined {
  if (!isObject(value) || value.type !== 'doc') return undefined
  const reader = new NodeReader()
  return readBlocks(reader, reader.open(value, 0))
}

function readBlocks(reader: NodeReader, parent: Node): Block[] {
  const blocks: Block[] = []
  addBlocks(reader, parent, blocks)
  return blocks
}

/** Inline content that stands between blocks gets a paragraph of its own. */
function addBlocks(reader: NodeReader, parent: Node, blocks: Block[]): void {
  let line: Inline[] | undefined
  for (const child of parent.content) {
    const node = reader.open(child, parent.level + 1)
    if (isInline(node)) {
      if (line === undefined) {
        line = []
        blocks.push({ kind: 'paragraph', align: undefined, content: line })
      }
      readInline(reader, node, line)
    } else {
      line = undefined
      addBlock(reader, node, blocks)
    }
  }
}

function addBlock(reader: NodeReader, node: Node, blocks: Block[]): void {
  const { name, attrs } = node
  switch (name) {
    case 'paragraph':
      blocks.push({ kind: 'paragraph', align: alignOf(node), content: readInlines(reader, node) })
      break
    case 'heading':
      blocks.push({
        kind: 'heading',
        level: headingLevel(attrs.level),
        align: alignOf(node),
        content: readInlines(reader, node),
      })
      break
    case 'bulletList':
      blocks.push(readList(reader, node, 'bullet'))
      break
    case 'orderedList':
      blocks.push(readList(reader, node, 'ordered'))
      break
    case 'taskList':
      blocks.push(readList(reader, node, 'task'))
      break
    case 'blockquote':
      blocks.push({ kind: 'quote', blocks: readBlocks(reader, node) })
      break
    case 'codeBlock':
      blocks.push({
        kind: 'code',
        language: typeof attrs.language === 'string' ? cleanLine(attrs.language).slice(0, 50) : '',
        text: plainText(readInlines(reader, node)),
      })
      break
    case 'horizontalRule':
      blocks.push({ kind: 'rule' })
      break
    case 'table':
      blocks.push(...readTable(reader, node, (inner) => blocksOf(reader, inner)))
      break
    default:
      addUnknown(reader, node, blocks)
  }
}

function addUnknown(reader: NodeReader, node: Node, blocks: Block[]): void {
  const text = node.content.length === 0 ? cleanLine(leafText(node)) : ''
  if (text !== '') {
    blocks.push({ kind: 'paragraph', align: undefined, content: [{ kind: 'text', text, style: {} }] })
  }
  addBlocks(reader, node, blocks)
}

function readList(reader: NodeReader, node: Node, style: List['style']): List {
  reader.count('lists')
  const items = node.content.map((child): ListItem => {
    const item = reader.open(child, node.level + 1)
    return { isChecked: item.attrs.checked === true, blocks: blocksOf(reader, item) }
  })
  // The limit of what a number in Markdown may have. Source: CommonMark 0.31, Ordered list markers.
  const start = wholeNumber(node.attrs.start ?? node.attrs.order, 0, 999_999_999) ?? 1
  return { kind: 'list', style, start, items }
}

const CONTAINERS = new Set(['listItem', 'taskItem', 'tableHeader', 'tableCell'])

/** The content of an item or cell; of another node that stands where one should be, the node itself. */
function blocksOf(reader: NodeReader, node: Node): Block[] {
  if (CONTAINERS.has(node.name)) return readBlocks(reader, node)
  const blocks: Block[] = []
  if (isInline(node)) {
    const content: Inline[] = []
    readInline(reader, node, content)
    blocks.push({ kind: 'paragraph', align: undefined, content })
  } else {
    addBlock(reader, node, blocks)
  }
  return blocks
}

function headingLevel(level: unknown): HeadingLevel {
  const levels: HeadingLevel[] = [1, 2, 3, 4, 5, 6]
  return levels[(wholeNumber(level, 1, 6) ?? 1) - 1] ?? 1
}

function alignOf({ attrs }: Node): Align | undefined {
  const align = attrs.textAlign ?? attrs.align
  return align === 'left' || align === 'center' || align === 'right' || align === 'justify'
    ? align
    : undefined
}
