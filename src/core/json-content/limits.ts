import { Problem } from '../../errors.ts'

/** Levels of brackets in the JSON text, whatever it holds: a node takes two, its attributes some more. */
export const JSON_LEVELS_MAX = 256

/** Nodes inside each other, the document itself not counted. */
export const NODE_LEVELS_MAX = 100

/**
 * How many of each a document may have. The library for Word makes up to 10 KiB of objects for each of them, and
 * works without a pause: within these limits it takes seconds, and less than 1 GiB.
 */
export const DOCUMENT_LIMITS = {
  /** With each line within a text, and each further row that a cell spans, as one more. */
  nodes: 100_000,
  lists: 5_000,
  tables: 2_000,
  'cells of tables': 30_000,
  /** Texts with a link. */
  links: 20_000,
  /** That stand in it as data. */
  pictures: 100,
} as const

/** Of one picture: what draws it later has to hold all of them in memory. */
export const IMAGE_PIXELS_MAX = 50_000_000

/** Of a table in a document. */
export const TABLE_COLUMNS_MAX = 1_000

/** Characters of the address of a link; a longer one is left as text. */
export const LINK_LENGTH_MAX = 2_000

export const SHEETS_MAX = 256

/** Of all sheets together, empty ones as well. */
export const CELLS_MAX = 1_000_000

/** Of all sheets together: fewer than Excel's 1,048,576 in a sheet, for the time and memory that rows take. */
export const ROWS_MAX = 300_000

/** Source: Excel specifications and limits, for columns and both lengths in characters. */
export const SHEET_COLUMNS_MAX = 16_384
export const CELL_LENGTH_MAX = 32_767
export const FORMULA_LENGTH_MAX = 8_192

export const SLIDES_MAX = 1_000

/** Lines of text on all slides together. */
export const SLIDE_LINES_MAX = 50_000

/** Characters on all slides together. */
export const SLIDES_LENGTH_MAX = 4_000_000

export function invalid(detail: string, options?: ErrorOptions): Problem {
  return new Problem('json-content-invalid', detail, options)
}

export function tooMany(what: string, max: number): Problem {
  return invalid(`more than ${max.toLocaleString('en')} ${what}`)
}
