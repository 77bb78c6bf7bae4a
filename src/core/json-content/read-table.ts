import type { Block, Table, TableCell } from './document-blocks.ts'
import { invalid, TABLE_COLUMNS_MAX } from './limits.ts'
import { type Node, type NodeReader, wholeNumber } from './read-node.ts'

/** A cell that goes on in the rows below. */
type Open = { column: number; columns: number; rowsLeft: number }

/**
 * The table, or nothing for one without rows.
 *
 * @param blocksOf gives the content of a cell, or of what stands in place of one
 */
export function readTable(reader: NodeReader, node: Node, blocksOf: (node: Node) => Block[]): Table[] {
  reader.count('tables')
  const rows: TableCell[][] = []
  let widest = 1
  let open: Open[] = []
  for (const [index, child] of node.content.entries()) {
    const row = reader.open(child, node.level + 1)
    const rowsLeft = node.content.length - index
    const own =
      row.name === 'tableRow'
        ? row.content.map((cell) => readCell(reader, reader.open(cell, row.level + 1), rowsLeft, blocksOf))
        : [newCell({ blocks: blocksOf(row) })]
    const laid = layRow(own, open)
    if (laid.columns > TABLE_COLUMNS_MAX) throw invalid(`a table has more than ${TABLE_COLUMNS_MAX} columns`)
    widest = Math.max(widest, laid.columns)
    open = laid.open
    if (laid.cells.length === 0) {
      reader.count('cells of tables')
      laid.cells.push(newCell({}))
    }
    rows.push(laid.cells)
  }
  return rows.length > 0 ? [{ kind: 'table', rows, columns: widest }] : []
}

/** Puts the cells of a row in the places that cells above have left. */
function layRow(own: TableCell[], above: Open[]): { cells: TableCell[]; columns: number; open: Open[] } {
  const cells: TableCell[] = []
  const open: Open[] = []
  let column = 0
  let next = 0
  const continueAbove = (limit?: number) => {
    for (let cell = above[next]; cell && cell.column <= (limit ?? column); cell = above[next]) {
      cells.push(newCell({ columns: cell.columns, isContinued: true }))
      if (cell.rowsLeft > 1) open.push({ ...cell, column, rowsLeft: cell.rowsLeft - 1 })
      column += cell.columns
      next += 1
    }
  }
  for (const cell of own) {
    continueAbove()
    cells.push(cell)
    if (cell.rows > 1) open.push({ column, columns: cell.columns, rowsLeft: cell.rows - 1 })
    column += cell.columns
  }
  continueAbove(Number.POSITIVE_INFINITY)
  return { cells, columns: column, open }
}

function readCell(
  reader: NodeReader,
  node: Node,
  rowsLeft: number,
  blocksOf: (node: Node) => Block[],
): TableCell {
  const isHeader = node.name === 'tableHeader'
  const isCell = isHeader || node.name === 'tableCell'
  const columns = (isCell && wholeNumber(node.attrs.colspan, 1, TABLE_COLUMNS_MAX)) || 1
  const rows = (isCell && wholeNumber(node.attrs.rowspan, 1, rowsLeft)) || 1
  reader.count('nodes', rows - 1)
  reader.count('cells of tables', rows)
  return newCell({ isHeader, columns, rows, blocks: blocksOf(node) })
}

function newCell(given: Partial<TableCell>): TableCell {
  return { isHeader: false, columns: 1, rows: 1, isContinued: false, blocks: [], ...given }
}
