import { type Block, type Inline, type List, plainText, type Table } from './document-blocks.ts'
import { TextLines } from './text-lines.ts'

/** Plain text: marks are left out, the address of a link follows it. */
export function writeText(blocks: readonly Block[]): string {
  const lines = new TextLines()
  addBlocks(lines, blocks)
  return `${lines.text()}\n`
}

/** The same on one line, for a cell of a table. */
export function textOnOneLine(blocks: readonly Block[], between: string): string {
  return writeText(blocks)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(between)
}

function addBlocks(lines: TextLines, blocks: readonly Block[]): void {
  const write = (block: Block) => addBlock(lines, block)
  lines.each(blocks, write, () => lines.add(''))
}

function addBlock(lines: TextLines, block: Block): void {
  switch (block.kind) {
    case 'paragraph':
    case 'heading':
      for (const line of inlineText(block.content).split('\n')) lines.add(line)
      break
    case 'list':
      addList(lines, block)
      break
    case 'quote':
      lines.within('> ', '> ', () => addBlocks(lines, block.blocks))
      break
    case 'code':
      for (const line of block.text.split('\n')) lines.add(line)
      break
    case 'rule':
      lines.add('-'.repeat(40))
      break
    case 'table':
      addTable(lines, block)
  }
}

function addList(lines: TextLines, { style, start, items }: List): void {
  for (const [index, { isChecked, blocks }] of items.entries()) {
    const box = isChecked ? '[x] ' : '[ ] '
    const marker = style === 'ordered' ? `${start + index}. ` : `- ${style === 'task' ? box : ''}`
    const write = (block: Block) => addBlock(lines, block)
    lines.within(marker, '  ', () => lines.each(blocks, write, () => {}))
  }
}

/** A line for each row, with tabs between the cells. */
function addTable(lines: TextLines, { rows }: Table): void {
  for (const cells of rows) lines.add(cells.map(({ blocks }) => textOnOneLine(blocks, ' ')).join('\t'))
}

function inlineText(content: readonly Inline[]): string {
  return content
    .map((inline, index) => {
      const text = plainText([inline])
      const link = linkOf(inline)
      // A link with several marks is several texts; its address comes once.
      if (link === undefined || link === linkOf(content[index + 1])) return text
      return [text, `${text}/`, `mailto:${text}`].includes(link) ? text : `${text} (${link})`
    })
    .join('')
}

function linkOf(inline: Inline | undefined): string | undefined {
  return inline?.kind === 'text' ? inline.style.link : undefined
}
