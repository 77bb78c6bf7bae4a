import papaparse from 'papaparse'
import { invalid } from './limits.ts'
import type { Cell, Sheet } from './read-sheets.ts'

/**
 * Formulas stay the text that they are.
 *
 * @throws Problem `json-content-invalid` for several sheets
 *
 * Source: RFC 4180 §2
 */
export function writeCsv(sheets: readonly Sheet[]): string {
  if (sheets.length > 1) throw invalid('a CSV file holds one sheet')
  const rows = (sheets[0]?.rows ?? []).map((row) => row.map(textOf))
  return `${papaparse.unparse(rows, { newline: '\r\n' })}\r\n`
}

/** As spreadsheets write them. */
function textOf(value: Cell): string {
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  return value === null ? '' : String(value)
}
