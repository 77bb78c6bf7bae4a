import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { strFromU8, unzipSync } from 'fflate'
import { fileTypeFromBuffer } from 'file-type'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BlankFormat, blankFile } from '../../src/core/blank-files.ts'
import { checkContent } from '../../src/core/content-type.ts'
import { formatOf, nutoTypeOf } from '../../src/core/formats.ts'
import { TEMPLATES, type TemplateId, templateFile, templateOf } from '../../src/core/templates.ts'
import { docxParagraphs, memoryFile } from '../support/files.ts'

const run = promisify(execFile)

const IDS = {
  Docs: ['doc-blank', 'doc-report', 'doc-letter', 'doc-resume', 'doc-meeting-notes', 'doc-essay'],
  Sheet: ['sheet-blank', 'sheet-budget', 'sheet-invoice', 'sheet-expense', 'sheet-schedule'],
  Slide: ['slide-blank', 'slide-pitch', 'slide-report', 'slide-lesson', 'slide-portfolio'],
} as const

const WITHOUT_CONTENT = ['doc-blank', 'sheet-blank', 'slide-blank']
const FILLED_SHEETS = IDS.Sheet.filter((id) => id !== 'sheet-blank')
const FILLED_SLIDES = IDS.Slide.filter((id) => id !== 'slide-blank')

test('there are sixteen templates, by type', () => {
  for (const [type, ids] of Object.entries(IDS)) {
    expect(TEMPLATES.filter((template) => template.type === type).map(({ id }) => id)).toEqual(ids)
  }
  expect(TEMPLATES).toHaveLength(16)
})

test('templates stand in the five categories', () => {
  const byCategory = Map.groupBy(TEMPLATES, ({ category }) => category)
  expect([...byCategory.keys()].sort()).toEqual(['Basic', 'Business', 'Education', 'Finance', 'Personal'])
  expect(byCategory.get('Basic')?.map(({ id }) => id)).toEqual(WITHOUT_CONTENT)
  expect(byCategory.get('Finance')?.map(({ id }) => id)).toEqual([
    'sheet-budget',
    'sheet-invoice',
    'sheet-expense',
  ])
  expect(byCategory.get('Education')?.map(({ id }) => id)).toEqual(['doc-essay', 'slide-lesson'])
  expect(byCategory.get('Personal')?.map(({ id }) => id)).toEqual([
    'doc-resume',
    'sheet-schedule',
    'slide-portfolio',
  ])
})

test.each(TEMPLATES)('$id is a file of its type for us and for others', async ({ id, type, extension }) => {
  const bytes = await templateFile(id)

  await checkContent(memoryFile(bytes), extension, 'exact')
  expect((await fileTypeFromBuffer(bytes))?.ext).toBe(extension)
  const format = formatOf(extension)
  expect(format && nutoTypeOf(format)).toBe(type)
})

test.each(TEMPLATES)('$id has every part that it declares', async ({ id }) => {
  const files = unzipSync(await templateFile(id))
  const types = strFromU8(files['[Content_Types].xml'] ?? new Uint8Array())
  const declared = Array.from(types.matchAll(/PartName="\/([^"]+)"/g), ([, name = '']) => name)

  expect(declared.length).toBeGreaterThan(2)
  expect(declared.filter((name) => !Object.hasOwn(files, name))).toEqual([])
})

test('a template is found by its id only', () => {
  expect(templateOf('doc-report')).toMatchObject({ id: 'doc-report', name: 'Report', category: 'Business' })
  for (const id of ['doc-unknown', 'DOC-REPORT', '', 'toString']) expect(templateOf(id)).toBeUndefined()
})

test.each(['doc-report', 'slide-pitch'] as const)('%s carries the title it is given', async (id) => {
  expect(parts(await templateFile(id, 'Q&A\u0000'), 'docProps/core.xml')).toEqual([
    expect.stringContaining('<dc:title>Q&amp;A </dc:title>'),
  ])
  expect(parts(await templateFile(id), 'docProps/core.xml')).toEqual([
    expect.stringContaining(`<dc:title>${templateOf(id)?.title}</dc:title>`),
  ])
})

describe('documents', () => {
  const HEADINGS: [TemplateId, string[]][] = [
    ['doc-report', ['Summary', 'Background', 'Findings', 'Recommendations', 'Next steps']],
    ['doc-letter', ['Subject: [what this letter is about]']],
    ['doc-resume', ['Profile', 'Experience', 'Education', 'Skills', 'References']],
    ['doc-meeting-notes', ['Agenda', 'Discussion', 'Decisions', 'Action items', 'Next meeting']],
    [
      'doc-essay',
      ['Introduction', 'First argument', 'Second argument', 'Counter-argument', 'Conclusion', 'References'],
    ],
  ]

  test.each(HEADINGS)('%s has its headings, in the style of headings', async (id, headings) => {
    const bytes = await templateFile(id)
    const [body = ''] = parts(bytes, 'word/document.xml')
    const styled = body.matchAll(/<w:pStyle w:val="Heading1"\/>.*?<w:t[^>]*>([^<]*)</gs)
    expect(Array.from(styled, ([, text]) => text)).toEqual(headings)
    expect(docxParagraphs(bytes).length).toBeGreaterThan(headings.length * 2)
  })

  test.each(['doc-report', 'doc-resume', 'doc-meeting-notes'] as const)('%s has a table', async (id) => {
    expect(parts(await templateFile(id), 'word/document.xml')[0]).toContain('<w:tbl>')
  })

  test('a blank document has one empty paragraph', async () => {
    expect(docxParagraphs(await templateFile('doc-blank'))).toEqual([''])
  })
})

test.each(FILLED_SHEETS)('%s calculates: sums and products are formulas', async (id) => {
  const formulas =
    parts(await templateFile(id), 'xl/worksheets/sheet')
      .join('')
      .match(/<f>[^<]+<\/f>/g) ?? []

  expect(formulas.length).toBeGreaterThan(5)
  expect(formulas.filter((formula) => formula.includes('SUM('))).not.toEqual([])
  // An equals sign in front is how people write them, not how files keep them.
  expect(formulas.filter((formula) => formula.startsWith('<f>='))).toEqual([])
})

test.each(FILLED_SLIDES)('%s has several slides, each with a title of its own', async (id) => {
  const slides = parts(await templateFile(id), 'ppt/slides/slide')
  const titles = slides.map((slide) => /<p:ph\s[^>]*type="title".*?<a:t>([^<]+)</s.exec(slide)?.[1])

  expect(slides.length).toBeGreaterThanOrEqual(3)
  expect(titles).not.toContain(undefined)
  expect(new Set(titles).size).toBe(titles.length)
})

const BLANK: BlankFormat[] = ['docx', 'odt', 'txt', 'md', 'html', 'rtf', 'xlsx', 'csv', 'ods', 'pptx', 'odp']
const FILES = [
  ...BLANK.map((extension) => ({ name: `new-${extension}`, extension, make: () => blankFile(extension) })),
  ...TEMPLATES.map(({ id, extension }) => ({ name: id, extension, make: () => templateFile(id) })),
]

/** Starting takes longer than converting: one process converts all files. */
const BATCH_MS = 240_000

const isOfficeMissing = !isOnPath('soffice')
const why = isOfficeMissing ? ' (skipped: soffice is missing)' : ''

describe.skipIf(isOfficeMissing && process.env.REQUIRE_SERVICES !== '1')(`in LibreOffice${why}`, () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'templates-'))
    await mkdir(join(folder, 'in'))
    for (const { name, extension, make } of FILES) {
      await writeFile(join(folder, 'in', `${name}.${extension}`), await make())
    }
    const inputs = FILES.map(({ name, extension }) => `${name}.${extension}`)
    await convert('pdf', inputs)
    // Every sheet (-1) as shown, with its formulas calculated.
    const csv = 'csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1'
    await convert(
      csv,
      FILLED_SHEETS.map((id) => `${id}.xlsx`),
    )
  }, BATCH_MS)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function convert(target: string, inputs: string[]) {
    const profile = pathToFileURL(join(folder, 'profile')).href
    const options = ['--headless', '--norestore', `-env:UserInstallation=${profile}`]
    // A failure shows as a missing output: the exit code is 0 even then.
    await run('soffice', [...options, '--convert-to', target, '--outdir', join(folder, 'out'), ...inputs], {
      cwd: join(folder, 'in'),
      timeout: BATCH_MS / 2,
    })
  }

  test.each(FILES)('$name opens and has pages', async ({ name }) => {
    const pdf = join(folder, 'out', `${name}.pdf`)
    expect((await readFile(pdf)).toString('latin1', 0, 5)).toBe('%PDF-')
    expect(await pageCount(pdf)).toBeGreaterThan(0)
  })

  test.each([
    ['sheet-budget', 1],
    ['sheet-invoice', 1],
    ['sheet-expense', 2],
    ['sheet-schedule', 1],
  ])('%s prints no column on a page of its own', async (id, pages) => {
    expect(await pageCount(join(folder, 'out', `${id}.pdf`))).toBe(pages)
  })

  test.each(FILLED_SLIDES)('%s has a page for each slide', async (id) => {
    const slides = parts(await templateFile(id), 'ppt/slides/slide')
    expect(await pageCount(join(folder, 'out', `${id}.pdf`))).toBe(slides.length)
  })

  const RESULTS: [TemplateId, string, string[]][] = [
    [
      'sheet-budget',
      'Budget',
      [
        'Total income,"2,700.00","2,650.00",-50.00',
        'Total expenses,"2,025.00","2,058.00",-33.00',
        'Income less expenses,675.00,592.00,-83.00',
        'Share of income saved,25%,22%',
      ],
    ],
    ['sheet-invoice', 'Invoice', ['Subtotal,499.80', 'Tax,99.96', 'Total,599.76']],
    ['sheet-expense', 'Expenses', ['Total,,,,102.70']],
    ['sheet-expense', 'Summary', ['Travel,1,64.50,63%', 'Meals,1,38.20,37%', 'Total,2,102.70,100%']],
    ['sheet-schedule', 'Schedule', ['08:00,[Example]', '21:00', 'Hours planned,1.0,0.0', 'In the week,1.0']],
  ]

  test.each(RESULTS)('%s, sheet %s, calculates its figures', async (id, sheet, figures) => {
    const csv = await readFile(join(folder, 'out', `${id}-${sheet}.csv`), 'utf8')
    for (const line of figures) expect(csv).toContain(line)
    expect(csv).not.toMatch(/#[A-Z/0]+[!?]|Err:\d/)
  })

  test('nothing but the asked files comes out', async () => {
    const names = await readdir(join(folder, 'out'))
    expect(names.filter((name) => name.endsWith('.pdf'))).toHaveLength(FILES.length)
  })
})

/** By pdfinfo where it is installed; else by the page objects that LibreOffice writes in the clear. */
async function pageCount(pdf: string): Promise<number> {
  if (!isOnPath('pdfinfo')) return (await readFile(pdf, 'latin1')).match(/\/Type\s*\/Page\b/g)?.length ?? 0
  const { stdout } = await run('pdfinfo', [pdf])
  return Number(/^Pages:\s+(\d+)$/m.exec(stdout)?.[1])
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, program)))
}

/** The texts of all parts whose names begin so, in no order. */
function parts(bytes: Buffer, start: string): string[] {
  const files = unzipSync(bytes, { filter: ({ name }) => name.startsWith(start) && /\.xml$/.test(name) })
  return Object.values(files).map((part) => strFromU8(part))
}
