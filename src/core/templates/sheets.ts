import writeXlsx, { type CellObject, type Row, type SheetData } from 'write-excel-file/node'
import { blankXlsx } from '../blank/ooxml.ts'
import type { TemplateMaker } from '../templates.ts'

/** Figures are examples, text in [square brackets] is for the user to replace. */
export const SHEETS = {
  'sheet-blank': blankXlsx,
  'sheet-budget': budget,
  'sheet-invoice': invoice,
  'sheet-expense': expenses,
  'sheet-schedule': schedule,
} as const satisfies Record<string, TemplateMaker>

const COLOR = '#1F3864'
const PALE = '#DCE6F2'
const MONEY = '#,##0.00'
const PERCENT = '0%'
const DATE = 'yyyy-mm-dd'
const TIME = 'hh:mm'

function budget(): Promise<Buffer> {
  const rows: SheetData = [[heading('Monthly budget')], ['[Month and year]'], []]
  const income = budgetSection(rows, 'Income', [
    ['Salary', 2500, 2500],
    ['Side income', 200, 150],
    ['Other', 0, 0],
  ])
  const costs = budgetSection(rows, 'Expenses', [
    ['Rent', 900, 900],
    ['Energy and water', 160, 172.4],
    ['Food', 420, 455.9],
    ['Transport', 110, 98],
    ['Insurance', 130, 130],
    ['Telephone and internet', 55, 55],
    ['Health', 40, 25],
    ['Leisure', 150, 190.5],
    ['Other', 60, 31.2],
  ])
  rows.push(
    [heading('Balance')],
    [
      bold('Income less expenses'),
      total(`B${income}-B${costs}`, MONEY),
      total(`C${income}-C${costs}`, MONEY),
      // Both differences are signed by what is good for the balance.
      total(`D${income}+D${costs}`, MONEY),
    ],
    ['Share of income saved', ...['B', 'C'].map((column) => savedShare(column, rows.length + 2, income))],
  )
  return xlsx([{ sheet: 'Budget', data: rows, columns: widths(32, 14, 14, 14) }])
}

/** Appends a table with its sums. Returns the number of the row with the sums. */
function budgetSection(rows: SheetData, name: string, items: [string, number, number][]): number {
  rows.push([heading(name)], header(['Category'], ['Planned', 'Actual', 'Difference']))
  const first = rows.length + 1
  for (const [category, planned, actual] of items) {
    const row = rows.length + 1
    rows.push([
      category,
      number(planned, MONEY),
      number(actual, MONEY),
      formula(name === 'Income' ? `C${row}-B${row}` : `B${row}-C${row}`, MONEY),
    ])
  }
  const last = rows.length
  rows.push(
    [
      bold(`Total ${name.toLowerCase()}`),
      ...['B', 'C', 'D'].map((column) => total(`SUM(${column}${first}:${column}${last})`, MONEY)),
    ],
    [],
  )
  return last + 1
}

function savedShare(column: string, balance: number, income: number): CellObject {
  return formula(`IF(${column}${income}=0,0,${column}${balance}/${column}${income})`, PERCENT)
}

function invoice(): Promise<Buffer> {
  const rows: SheetData = [
    [heading('Invoice')],
    [],
    [bold('[Your company]'), null, 'Invoice number', '[2001]'],
    ['[Street, postal code and town]', null, 'Invoice date', '[date]'],
    ['[Tax number]', null, 'Payable until', '[date]'],
    [],
    [bold('Bill to')],
    ['[Customer]'],
    ['[Street, postal code and town]'],
    [],
    header(['Description'], ['Quantity', 'Unit price', 'Amount']),
  ]
  const first = rows.length + 1
  const items: [string | null, number | null, number | null][] = [
    ['[Product]', 2, 49.9],
    ['[Service, hours]', 5, 80],
    ...Array.from({ length: 8 }, (): [null, null, null] => [null, null, null]),
  ]
  for (const [what, quantity, price] of items) {
    const row = rows.length + 1
    rows.push([
      what,
      quantity,
      number(price, MONEY),
      // An empty line shows nothing, and SUM passes over it.
      formula(`IF(OR(B${row}="",C${row}=""),"",B${row}*C${row})`, MONEY),
    ])
  }
  const subtotal = rows.length + 1
  rows.push(
    [null, null, 'Subtotal', formula(`SUM(D${first}:D${subtotal - 1})`, MONEY)],
    [null, null, 'Tax rate', number(0.2, PERCENT)],
    [null, null, 'Tax', formula(`ROUND(D${subtotal}*D${subtotal + 1},2)`, MONEY)],
    [null, null, bold('Total'), total(`D${subtotal}+D${subtotal + 2}`, MONEY)],
    [],
    [bold('Payment')],
    ['[Bank, account, reference]'],
    ['Thank you for your order.'],
  )
  return xlsx([{ sheet: 'Invoice', data: rows, columns: widths(42, 12, 18, 16) }])
}

const EXPENSE_CATEGORIES = ['Travel', 'Lodging', 'Meals', 'Office supplies', 'Training', 'Other']

function expenses(): Promise<Buffer> {
  const rows: SheetData = [
    [heading('Expense report')],
    ['Name', '[name]', 'Department', '[department]'],
    ['Period', '[from – to]', 'Approved by', '[name]'],
    [],
    header(['Date', 'Category', 'Description', 'Receipt'], ['Amount']),
  ]
  const first = rows.length + 1
  const last = first + 24
  const examples: Row[] = [
    [null, 'Travel', '[Train to a customer]', '[1]', number(64.5, MONEY)],
    [null, 'Meals', '[Lunch with a customer]', '[2]', number(38.2, MONEY)],
  ]
  for (let row = first; row <= last; row += 1) {
    const [, ...cells] = examples[row - first] ?? [null, null, null, null, number(null, MONEY)]
    rows.push([{ type: Date, format: DATE }, ...cells])
  }
  rows.push([bold('Total'), null, null, null, total(`SUM(E${first}:E${last})`, MONEY)])

  const summary: SheetData = [[heading('Summary')], [], header(['Category'], ['Receipts', 'Amount', 'Share'])]
  const end = summary.length + EXPENSE_CATEGORIES.length
  for (const category of EXPENSE_CATEGORIES) {
    const row = summary.length + 1
    const categories = `Expenses!B$${first}:B$${last}`
    summary.push([
      category,
      formula(`COUNTIF(${categories},A${row})`, '0'),
      formula(`SUMIF(${categories},A${row},Expenses!E$${first}:E$${last})`, MONEY),
      formula(`IF(C$${end + 1}=0,0,C${row}/C$${end + 1})`, PERCENT),
    ])
  }
  summary.push([
    bold('Total'),
    total(`SUM(B4:B${end})`, '0'),
    total(`SUM(C4:C${end})`, MONEY),
    total(`SUM(D4:D${end})`, PERCENT),
  ])
  return xlsx([
    { sheet: 'Expenses', data: rows, columns: widths(14, 20, 40, 16, 14), stickyRowsCount: 5 },
    { sheet: 'Summary', data: summary, columns: widths(24, 12, 14, 12) },
  ])
}

function schedule(): Promise<Buffer> {
  const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
  const columns = ['B', 'C', 'D', 'E', 'F', 'G', 'H']
  const rows: SheetData = [
    [heading('Weekly schedule')],
    ['Day begins', number(7 / 24, TIME), 'Minutes a row', number(60, '0')],
    [],
    header(['Time', ...days]),
  ]
  const first = rows.length + 1
  const last = first + 14
  for (let row = first; row <= last; row += 1) {
    const time = row === first ? 'B2' : `A${row - 1}+D$2/1440`
    rows.push([formula(time, TIME), ...days.map(() => slot(null))])
  }
  rows[first] = [
    formula(`A${first}+D$2/1440`, TIME),
    slot('[Example]'),
    ...days.slice(1).map(() => slot(null)),
  ]
  rows.push([
    bold('Hours planned'),
    ...columns.map((column) => total(`COUNTA(${column}${first}:${column}${last})*$D$2/60`, '0.0')),
  ])
  rows.push([bold('In the week'), total(`SUM(B${last + 1}:H${last + 1})`, '0.0')])
  return xlsx([
    {
      sheet: 'Schedule',
      data: rows,
      columns: widths(16, ...days.map(() => 16)),
      stickyRowsCount: 4,
      orientation: 'landscape',
    },
  ])
}

type XlsxSheet = Parameters<typeof writeXlsx>[0] extends (infer Sheet)[] ? Sheet : never

function xlsx(sheets: XlsxSheet[]): Promise<Buffer> {
  const transform = { 'xl/worksheets/sheet{id}.xml': { transform: fitToPageWidth } }
  return writeXlsx(sheets, {
    fontFamily: 'Calibri',
    fontSize: 11,
    features: [{ files: { transform } }],
  }).toBuffer()
}

/** Prints all columns on one A4 page, which the library has no option for. Source: ECMA-376 Part 1 §18.3.1.65, §18.3.1.63 */
function fitToPageWidth(worksheet: string, { orientation }: { orientation?: 'landscape' }): string {
  const properties = '<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>'
  const setup = `<pageSetup paperSize="9" orientation="${orientation ?? 'portrait'}" fitToWidth="1" fitToHeight="0"/>`
  return worksheet
    .replace(/<worksheet[^>]*>/, (tag) => tag + properties)
    .replace(/<pageSetup[^>]*\/>|(?=<\/worksheet>)/, setup)
}

/** In characters, from the left. */
function widths(...characters: number[]) {
  return characters.map((width) => ({ width }))
}

function heading(text: string): CellObject {
  return { value: text, fontWeight: 'bold', fontSize: 16, textColor: COLOR }
}

function bold(text: string): CellObject {
  return { value: text, fontWeight: 'bold' }
}

/** Names of columns; those of numbers stand at the right, as numbers do. */
function header(names: string[], ofNumbers: string[] = []): CellObject[] {
  return [...names, ...ofNumbers].map((value, index) => ({
    value,
    align: index < names.length ? 'left' : 'right',
    fontWeight: 'bold',
    textColor: COLOR,
    backgroundColor: PALE,
    bottomBorderStyle: 'thin',
    bottomBorderColor: COLOR,
  }))
}

/** @param value null for a cell that is formatted but empty */
function number(value: number | null, format: string): CellObject {
  return value === null ? { type: Number, format } : { type: Number, value, format }
}

/** @param expression without the equals sign in front: the file format has none. Source: ECMA-376 Part 1 §18.3.1.40 */
function formula(expression: string, format: string): CellObject {
  return { type: 'Formula', value: expression, format }
}

function total(expression: string, format: string): CellObject {
  return { ...formula(expression, format), fontWeight: 'bold', topBorderStyle: 'thin', topBorderColor: COLOR }
}

/** An hour of a day, framed so that it is seen while empty. */
function slot(text: string | null): CellObject {
  const frame = { borderStyle: 'thin', borderColor: '#BFBFBF', wrap: true } as const
  return text === null ? frame : { ...frame, value: text }
}
