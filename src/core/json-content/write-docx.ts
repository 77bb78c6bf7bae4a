import {
  AlignmentType,
  BorderStyle,
  CarriageReturn,
  Document,
  HeadingLevel,
  type IParagraphOptions,
  Packer,
  Paragraph,
  ShadingType,
  Table,
  TableCell,
  TableRow,
  TextRun,
  VerticalMergeType,
  WidthType,
} from 'docx'
import type { Align, Block, TableCell as Cell, List, Table as TableBlock } from './document-blocks.ts'
import { DocxLists, type ListLevel } from './docx-lists.ts'
import { CODE_FONT, runsOf } from './docx-runs.ts'

/** What the blocks around a block give it. */
type Place = {
  /** Of lists and quotes around it: each moves it to the right. */
  indents: number
  isQuote: boolean
  /** For the next paragraph only: the list that numbers it, or the box of its task. */
  marker: { level?: ListLevel; box?: string } | undefined
}

const ALIGNMENTS = {
  left: AlignmentType.LEFT,
  center: AlignmentType.CENTER,
  right: AlignmentType.RIGHT,
  justify: AlignmentType.JUSTIFIED,
}

const HEADINGS = [
  HeadingLevel.HEADING_1,
  HeadingLevel.HEADING_2,
  HeadingLevel.HEADING_3,
  HeadingLevel.HEADING_4,
  HeadingLevel.HEADING_5,
  HeadingLevel.HEADING_6,
]

/** In twips; the deepest levels share the last place that leaves room for text. */
const INDENT = 720
const INDENTS_MAX = 9

export async function writeDocx(blocks: readonly Block[], title: string): Promise<Buffer> {
  const lists = new DocxLists()
  const children = blocksOf(blocks, { indents: 0, isQuote: false, marker: undefined }, lists)
  const document = new Document({
    title,
    creator: '',
    lastModifiedBy: '',
    // Sizes in half points, spacing in twips.
    styles: {
      default: {
        document: { run: { font: 'Calibri', size: 22 }, paragraph: { spacing: { after: 120, line: 276 } } },
      },
    },
    numbering: { config: lists.definitions },
    sections: [{ children }],
  })
  return Packer.toBuffer(document)
}

/** Never empty, and never with a table at the end or two that touch: Word asks for a paragraph there. */
function blocksOf(blocks: readonly Block[], place: Place, lists: DocxLists): (Paragraph | Table)[] {
  const all: (Paragraph | Table)[] = []
  const spot = { ...place }
  for (const block of blocks) addBlock(block, spot, lists, all)
  if (spot.marker || all.length === 0 || all.at(-1) instanceof Table) all.push(paragraph([], spot))
  return all
}

function addBlock(block: Block, place: Place, lists: DocxLists, into: (Paragraph | Table)[]): void {
  switch (block.kind) {
    case 'paragraph':
      into.push(paragraph(runsOf(block.content), place, aligned(block.align)))
      break
    case 'heading': {
      const heading = HEADINGS[block.level - 1] ?? HeadingLevel.HEADING_1
      into.push(paragraph(runsOf(block.content), place, { heading, ...aligned(block.align) }))
      break
    }
    case 'list':
      addList(block, place, lists, into)
      break
    case 'quote': {
      const inner = { indents: place.indents + 1, isQuote: true, marker: place.marker }
      place.marker = undefined
      for (const part of blocksOf(block.blocks, inner, lists)) into.push(part)
      break
    }
    case 'code':
      into.push(codeParagraph(block.text, place))
      break
    case 'rule': {
      const line = { style: BorderStyle.SINGLE, size: 6, color: 'A6A6A6', space: 1 }
      into.push(paragraph([], place, { border: { bottom: line } }))
      break
    }
    case 'table':
      if (place.marker || into.at(-1) instanceof Table) into.push(paragraph([], place))
      into.push(tableOf(block, lists))
  }
}

function addList(list: List, place: Place, lists: DocxLists, into: (Paragraph | Table)[]): void {
  // A list that an item begins with stands below the marker of that item.
  if (place.marker) into.push(paragraph([], place))
  const level = list.style === 'task' ? undefined : lists.open(list, place.indents)
  for (const { isChecked, blocks } of list.items) {
    const marker = level ? { level } : { box: isChecked ? '☑ ' : '☐ ' }
    const inner = { indents: place.indents + 1, isQuote: place.isQuote, marker }
    for (const part of blocksOf(blocks, inner, lists)) into.push(part)
  }
}

/** Takes the marker of the place: it is for one paragraph. */
function paragraph(
  children: IParagraphOptions['children'],
  place: Place,
  options: IParagraphOptions = {},
): Paragraph {
  const { marker } = place
  place.marker = undefined
  const left = Math.min(place.indents, INDENTS_MAX) * INDENT
  const quote = { style: BorderStyle.SINGLE, size: 18, color: 'BFBFBF', space: 10 }
  return new Paragraph({
    ...options,
    ...(marker?.level ? { numbering: marker.level } : {}),
    ...(left > 0 ? { indent: { left, ...(marker ? { hanging: INDENT / 2 } : {}) } } : {}),
    ...(place.isQuote ? { border: { left: quote, ...options.border } } : {}),
    children: marker?.box ? [new TextRun(marker.box), ...(children ?? [])] : (children ?? []),
  })
}

/** One run for all lines: a run for each takes far more time and memory. */
function codeParagraph(text: string, place: Place): Paragraph {
  const lines = text.split('\n')
  const children = lines.flatMap((line, index) => (index > 0 ? [new CarriageReturn(), line] : [line]))
  return paragraph([new TextRun({ children, font: CODE_FONT, size: 20 })], place, {
    shading: { type: ShadingType.CLEAR, fill: 'F2F2F2', color: 'auto' },
  })
}

function tableOf({ rows, columns }: TableBlock, lists: DocxLists): Table {
  return new Table({
    width: { size: 100, type: WidthType.PERCENTAGE },
    // In twips, together as wide as the text of a page.
    columnWidths: Array.from({ length: columns }, () => Math.max(1, Math.floor(9026 / columns))),
    rows: rows.map(
      (cells, index) =>
        new TableRow({
          tableHeader: index === 0 && cells.every(({ isHeader }) => isHeader),
          children: cells.map((cell) => cellOf(cell, lists)),
        }),
    ),
  })
}

/** Cells that go on below are written as such for each row, which the library does only for cells with `rowSpan`. */
function cellOf({ isHeader, columns, rows, isContinued, blocks }: Cell, lists: DocxLists): TableCell {
  return new TableCell({
    children: blocksOf(blocks, { indents: 0, isQuote: false, marker: undefined }, lists),
    margins: { top: 60, bottom: 60, left: 100, right: 100 },
    ...(columns > 1 ? { columnSpan: columns } : {}),
    ...(rows > 1 ? { verticalMerge: VerticalMergeType.RESTART } : {}),
    ...(isContinued ? { verticalMerge: VerticalMergeType.CONTINUE } : {}),
    ...(isHeader ? { shading: { type: ShadingType.CLEAR, fill: 'E7E6E6', color: 'auto' } } : {}),
  })
}

function aligned(align: Align | undefined): IParagraphOptions {
  return align ? { alignment: ALIGNMENTS[align] } : {}
}
