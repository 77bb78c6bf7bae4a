import writeXlsxFile, { type CellObject } from 'write-excel-file/node'
import { CELL_LENGTH_MAX, FORMULA_LENGTH_MAX, invalid } from './limits.ts'
import type { Cell, Sheet } from './read-sheets.ts'
import { sheetNames } from './sheet-names.ts'

type XlsxCell = number | boolean | string | null | CellObject

/** @throws Problem `json-content-invalid` for a text longer than a cell can hold */
export async function writeXlsx(sheets: readonly Sheet[]): Promise<Buffer> {
  // A workbook has at least one sheet.
  const all = sheets.length === 0 ? [{ name: undefined, rows: [] }] : sheets
  const names = sheetNames(all.map(({ name }) => name))
  const options = { fontFamily: 'Calibri', fontSize: 11 }
  return writeXlsxFile(
    all.map(({ rows }, index) => ({ sheet: names[index] ?? '', data: rows.map((row) => row.map(cellOf)) })),
    options,
  ).toBuffer()
}

function cellOf(value: Cell): XlsxCell {
  if (typeof value !== 'string') return value
  if (value === '') return null
  if (value.startsWith('=') && isFormula(value.slice(1)))
    return { type: 'Formula', value: value.slice(1).trim() }
  if (value.length > CELL_LENGTH_MAX) throw invalid(`a cell has more than ${CELL_LENGTH_MAX} characters`)
  // Readers take `_x0041_` for the letter A. Source: ECMA-376 Part 1 §22.9.2.19
  return value.replace(/_(?=x[0-9a-f]{4}_)/gi, '_x005F_')
}

/**
 * Whether it can be a formula at all; Excel calls a file damaged in which a text like `== News ==` is one. Quotes
 * and brackets have to close, and it begins with neither an operator for two values nor a closing sign.
 */
function isFormula(text: string): boolean {
  if (text.length > FORMULA_LENGTH_MAX || /^\s*($|[=*/^&<>,;:%!)\]}|?])/.test(text)) return false
  const outsideQuotes = text.replace(/"[^"]*"|'[^']*'/g, '')
  if (/["']|[-+*/^&<>=,(]\s*$/.test(outsideQuotes)) return false
  let depth = 0
  for (const character of outsideQuotes) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth < 0) return false
  }
  return depth === 0
}
