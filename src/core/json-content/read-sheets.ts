import { z } from 'zod'
import { cleanText } from './clean-text.ts'
import { isObject } from './json-text.ts'
import { CELLS_MAX, invalid, ROWS_MAX, SHEET_COLUMNS_MAX, SHEETS_MAX, tooMany } from './limits.ts'

export type Cell = string | number | boolean | null

export type Sheet = { name: string | undefined; rows: Cell[][] }

const Sheets = z.array(z.object({ name: z.string().nullish(), rows: z.array(z.array(z.unknown())) }))

/**
 * @returns undefined for what has no list `sheets`, or one in which no sheet has `rows`
 * @throws Problem `json-content-invalid` for broken sheets and beyond the limits
 */
export function readSheets(value: unknown): Sheet[] | undefined {
  if (!isObject(value) || !Array.isArray(value.sheets)) return undefined
  const { sheets } = value
  if (sheets.length > 0 && !sheets.some((sheet) => isObject(sheet) && 'rows' in sheet)) return undefined
  if (sheets.length > SHEETS_MAX) throw tooMany('sheets', SHEETS_MAX)
  const parsed = Sheets.safeParse(sheets)
  if (!parsed.success) throw invalid(`sheets: ${z.prettifyError(parsed.error).slice(0, 300)}`)
  let cells = 0
  let rowCount = 0
  return parsed.data.map(({ name, rows }) => {
    rowCount += rows.length
    if (rowCount > ROWS_MAX) throw tooMany('rows', ROWS_MAX)
    return {
      name: name ?? undefined,
      rows: rows.map((row) => {
        if (row.length > SHEET_COLUMNS_MAX) throw tooMany('columns in a sheet', SHEET_COLUMNS_MAX)
        cells += row.length
        if (cells > CELLS_MAX) throw tooMany('cells', CELLS_MAX)
        return row.map(readCell)
      }),
    }
  })
}

function readCell(value: unknown): Cell {
  if (typeof value === 'string') return cleanText(value)
  if (value === null || typeof value === 'boolean') return value
  // JSON has numbers that are too large for any: they come as infinite.
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw invalid('a cell holds neither text, a number, true, false nor null')
}
