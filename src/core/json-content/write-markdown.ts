import type { Block, List, Table, TableCell } from './document-blocks.ts'
import { escapeMarkdown, lineMarkdown, linesMarkdown, longestBackticks } from './markdown-inline.ts'
import { TextLines } from './text-lines.ts'
import { textOnOneLine } from './write-text.ts'

/** CommonMark with the tables, task lists and struck text of GitHub. Source: CommonMark 0.31, GitHub Flavored Markdown 0.29 */
export function writeMarkdown(blocks: readonly Block[]): string {
  const lines = new TextLines()
  addBlocks(lines, blocks)
  return `${lines.text()}\n`
}

function addBlocks(lines: TextLines, blocks: readonly Block[], isItem = false): void {
  // Markdown has no empty paragraphs.
  const shown = blocks.filter((block) => block.kind !== 'paragraph' || block.content.length > 0)
  lines.each(
    shown,
    (block) => addBlock(lines, block),
    (block, previous) => {
      if (isItem && block.kind === 'list' && previous.kind === 'paragraph') return
      lines.add('')
      // Lists that follow each other would become one.
      if (block.kind === 'list' && previous.kind === 'list') {
        lines.add('<!-- -->')
        lines.add('')
      }
    },
  )
}

function addBlock(lines: TextLines, block: Block): void {
  switch (block.kind) {
    case 'paragraph':
      for (const line of linesMarkdown(block.content)) lines.add(line)
      break
    case 'heading':
      // Signs at the end would count as the end of the heading.
      lines.add(`${'#'.repeat(block.level)} ${lineMarkdown(block.content).replace(/#(?=#*\s*$)/g, '\\#')}`)
      break
    case 'list':
      addList(lines, block)
      break
    case 'quote':
      lines.within('> ', '> ', () => addBlocks(lines, block.blocks))
      break
    case 'code':
      addCode(lines, block.language, block.text)
      break
    case 'rule':
      // Dashes behind the dash of an item would be one rule with it.
      lines.add('***')
      break
    case 'table':
      addTable(lines, block)
  }
}

function addList(lines: TextLines, { style, start, items }: List): void {
  for (const [index, { isChecked, blocks }] of items.entries()) {
    const number = Math.min(999_999_999, start + index)
    const marker = style === 'ordered' ? `${number}. ` : '- '
    const box = isChecked ? '[x] ' : '[ ] '
    const first = style === 'task' ? marker + box : marker
    lines.within(first, ' '.repeat(marker.length), () => addBlocks(lines, blocks, true))
  }
}

function addCode(lines: TextLines, language: string, text: string): void {
  const fence = '`'.repeat(Math.max(3, longestBackticks(text) + 1))
  lines.add(fence + language.replace(/[`\s]/g, ''))
  for (const line of text.split('\n')) lines.add(line)
  lines.add(fence)
}

/** The first row is the header: Markdown has no table without one. */
function addTable(lines: TextLines, { rows, columns }: Table): void {
  for (const [index, cells] of rows.entries()) {
    lines.add(`| ${cells.map((cell) => cellMarkdown(cell)).join(' | ')} |`)
    if (index > 0) continue
    // The rule under the header tells how many columns there are.
    lines.add(`|${' --- |'.repeat(columns)}`)
  }
}

/** What is no paragraph comes as text: a cell has one line. */
function cellMarkdown({ blocks, columns }: TableCell): string {
  const words = blocks
    .map((block) => {
      const isText = block.kind === 'paragraph' || block.kind === 'heading'
      // Also within code a pipe would end the cell. Source: GFM 0.29, Tables.
      if (isText) return lineMarkdown(block.content, '<br>').replace(/(?<!\\)\|/g, '\\|')
      return escapeMarkdown(textOnOneLine([block], '\n')).replaceAll('\n', '<br>')
    })
    .filter((line) => line !== '')
    .join('<br>')
  return words + ' |'.repeat(columns - 1)
}
