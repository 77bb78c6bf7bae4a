import papaparse from 'papaparse'
import { expect, test } from 'vitest'
import { ROWS_MAX } from '../../src/core/json-content/limits.ts'
import { sheetNames } from '../../src/core/json-content/sheet-names.ts'
import { fileFromJson } from '../../src/core/json-content.ts'
import { make, part } from './json-content/made.ts'

const XLSX = { type: 'Sheet', extension: 'xlsx', title: 'T' } as const

function refused(json: string, extension = 'xlsx') {
  return expect(fileFromJson(json, { ...XLSX, extension })).rejects
}

test('cells are text, numbers, booleans and formulas', async () => {
  const rows = [
    ['Q&A <1>\nline', 1.5, true, null],
    [],
    ['=SUM(B1:B1)', '2026-01-02', '== News ==', '=', '=("'],
  ]
  const bytes = await make('Sheet', { sheets: [{ name: 'Data', rows }] }, 'ods')
  const sheet = part(bytes, 'xl/worksheets/sheet1.xml')
  expect(part(bytes, 'xl/workbook.xml')).toContain('name="Data"')
  expect(sheet).toMatch(/<c r="B1"[^>]*><v>1.5<\/v><\/c>/)
  expect(sheet).toMatch(/<c r="C1"[^>]* t="b"><v>1<\/v><\/c>/)
  expect(sheet.match(/<f>[^<]*<\/f>/g)).toEqual(['<f>SUM(B1:B1)</f>'])
  const strings = part(bytes, 'xl/sharedStrings.xml')
  for (const text of ['Q&amp;A &lt;1&gt;\nline', '2026-01-02', '== News ==', '>=<', '>=("<']) {
    expect(strings.replaceAll('&quot;', '"')).toContain(text)
  }
})

test('names of sheets are mended', () => {
  expect(
    sheetNames(['a', 'A', '', undefined, "'[x]:*?/\\'", 'History', 'x'.repeat(40), 'x'.repeat(40)]),
  ).toEqual(['a', 'A (2)', 'Sheet3', 'Sheet4', 'x', 'History (2)', 'x'.repeat(31), `${'x'.repeat(27)} (2)`])
})

test('256 sheets with one name are a workbook, one more is refused', async () => {
  const json = (count: number) =>
    JSON.stringify({ sheets: Array.from({ length: count }, () => ({ name: 'N', rows: [[1]] })) })
  expect((await fileFromJson(json(256), XLSX))?.bytes.length).toBeGreaterThan(1000)
  await refused(json(257)).toThrow('sheets')
})

test('a CSV has its one sheet, quoted as RFC 4180 asks', async () => {
  const rows = [['a,b', 'say "x"', 'two\nlines', ' edge '], [], ['=A1', 1.5, true, null]]
  const csv = (await make('Sheet', { sheets: [{ rows }] }, 'csv')).toString()
  expect(csv).toBe('"a,b","say ""x""","two\nlines"," edge "\r\n\r\n=A1,1.5,TRUE,\r\n')
  expect(papaparse.parse(csv.trimEnd()).data[0]).toEqual(rows[0])
  expect((await make('Sheet', { sheets: [] }, 'csv')).toString()).toBe('\r\n')
})

test('several sheets are no CSV', () =>
  refused('{"sheets":[{"rows":[]},{"rows":[]}]}', 'csv').toMatchObject({
    code: 'json-content-invalid',
    status: 400,
  }))

test.each([
  '[{"rows":[1]}]',
  '[{"rows":{}}]',
  '[{"rows":[]},7]',
  '[{"rows":[],"name":7}]',
  '[{"rows":[[{}]]}]',
  '[{"rows":[[[]]]}]',
  '[{"rows":[[1e999]]}]',
])('the sheets %s are broken', (sheets) =>
  refused(`{"sheets":${sheets}}`).toMatchObject({ code: 'json-content-invalid' }),
)

test('sheets beyond the limits are refused', async () => {
  const row = (cells: number) => `[${Array.from({ length: cells }, () => '1').join(',')}]`
  const sheet = (rows: string[]) => `{"sheets":[{"rows":[${rows.join(',')}]}]}`
  await refused(sheet([row(16_385)])).toThrow('columns')
  await refused(sheet(Array.from({ length: 101 }, () => row(10_000)))).toThrow('1,000,000 cells')
  await refused(sheet(Array.from({ length: ROWS_MAX + 1 }, () => '[]'))).toThrow('rows')
  await refused(JSON.stringify({ sheets: [{ rows: [['x'.repeat(32_768)]] }] })).toThrow('characters')
  expect((await fileFromJson(sheet([row(16_384)]), XLSX))?.extension).toBe('xlsx')
})

test('characters that XML forbids become spaces, and lookalikes of escapes stay', async () => {
  const bytes = await make(
    'Sheet',
    { sheets: [{ name: 'a\u0000b', rows: [['x\u0001\ud800y', '_x0041_']] }] },
    'xlsx',
  )
  expect(part(bytes, 'xl/workbook.xml')).toContain('name="a b"')
  const strings = part(bytes, 'xl/sharedStrings.xml')
  expect(strings).toContain('x  y')
  expect(strings).toContain('_x005F_x0041_')
})
