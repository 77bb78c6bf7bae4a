/** A document as all writers of Docs take it: read from editor JSON, checked, cleaned and within the limits. */
export type Block =
  | { kind: 'paragraph'; align: Align | undefined; content: Inline[] }
  | { kind: 'heading'; level: HeadingLevel; align: Align | undefined; content: Inline[] }
  | List
  | { kind: 'quote'; blocks: Block[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'rule' }
  | Table

export type Align = 'left' | 'center' | 'right' | 'justify'

export type HeadingLevel = 1 | 2 | 3 | 4 | 5 | 6

export type List = {
  kind: 'list'
  style: 'bullet' | 'ordered' | 'task'
  /** The number of the first item, where items are numbered. */
  start: number
  items: ListItem[]
}

export type ListItem = { isChecked: boolean; blocks: Block[] }

export type Table = {
  kind: 'table'
  /** At least one row, and in each at least one cell. */
  rows: TableCell[][]
  /** Of the widest row. */
  columns: number
}

export type TableCell = {
  isHeader: boolean
  columns: number
  /** From this one down; ends within the table. */
  rows: number
  /** This place belongs to a cell in a row above, and has no blocks. */
  isContinued: boolean
  blocks: Block[]
}

export type Inline = Text | { kind: 'break' } | { kind: 'image'; image: Image }

export type Text = { kind: 'text'; text: string; style: TextStyle }

export type TextStyle = {
  bold?: boolean
  italic?: boolean
  underline?: boolean
  strike?: boolean
  code?: boolean
  script?: 'sub' | 'super'
  /** Six hexadecimal digits, as the next one. */
  color?: string
  highlight?: string
  /** Absolute, of a scheme that is safe to follow, and without characters that end an attribute. */
  link?: string
}

export type Image = {
  type: 'png' | 'jpeg' | 'gif'
  bytes: Buffer
  /** In pixels, as it is to be shown, and so the height. */
  width: number
  height: number
  /** One line; may be empty. */
  alt: string
}

/** What is left of inline content without marks and pictures. */
export function plainText(content: readonly Inline[], lineEnd = '\n'): string {
  return content
    .map((inline) => {
      if (inline.kind === 'text') return inline.text
      return inline.kind === 'break' ? lineEnd : inline.image.alt
    })
    .join('')
}
