import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { doc, list, make, makeDoc, node, PNG, paragraph, text } from './json-content/made.ts'

const run = promisify(execFile)

const BATCH_MS = 240_000

const isOfficeMissing = !['soffice', 'pdftotext'].every(isOnPath)
const why = isOfficeMissing ? ' (skipped: soffice or pdftotext is missing)' : ''

const EVERYTHING = doc(
  node('heading', { level: 1, textAlign: 'center' }, text('Heading one')),
  paragraph(
    text('bold', 'bold', 'italic', 'underline', 'strike'),
    text(' code ', 'code'),
    text('linked', { type: 'link', attrs: { href: 'https://example.com/' } }),
    text('low', 'subscript', 'highlight', { type: 'textStyle', attrs: { color: '#c00' } }),
    { type: 'hardBreak' },
    'after break',
  ),
  list('bulletList', 'listItem', [
    paragraph('bullet'),
    node('orderedList', { start: 4 }, node('listItem', {}, paragraph('numbered'))),
  ]),
  node('taskList', {}, node('taskItem', { checked: true }, paragraph('task'))),
  node('blockquote', {}, paragraph('quoted')),
  node('codeBlock', {}, text('first line\nsecond line')),
  { type: 'horizontalRule' },
  node(
    'table',
    {},
    node(
      'tableRow',
      {},
      node('tableHeader', { rowspan: 2 }, paragraph('tall')),
      node('tableHeader', { colspan: 2 }, paragraph('broad')),
    ),
    node(
      'tableRow',
      {},
      node('tableCell', {}, paragraph('left')),
      node('tableCell', {}, list('bulletList', 'listItem', [paragraph('within')])),
    ),
  ),
  node(
    'table',
    {},
    node(
      'tableRow',
      {},
      node(
        'tableCell',
        {},
        node('table', {}, node('tableRow', {}, node('tableCell', {}, paragraph('nested')))),
      ),
    ),
  ),
  node('image', { src: PNG, alt: 'dot' }),
  node('unknown', {}, text('unknown words')),
)
const WORDS =
  'Heading one|bold|code|linked|low|after break|bullet|4. numbered|☑ task|quoted|first line|second line|tall|broad|left|within|nested|unknown words'

describe.skipIf(isOfficeMissing && process.env.REQUIRE_SERVICES !== '1')(`in LibreOffice${why}`, () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'json-content-'))
    const rows = [
      ['Sum', '=SUM(A2:B2)*2', '_x0041_'],
      [20, 1],
    ]
    const slides = [{ title: 'First title', body: ['point one', 'point two'] }, { title: 'Second title' }]
    const files = {
      'everything.docx': await makeDoc(EVERYTHING, 'docx'),
      'sums.xlsx': await make('Sheet', { sheets: [{ name: 'Sums', rows }] }, 'xlsx'),
      'talk.pptx': await make('Slide', { slides }, 'pptx'),
    }
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
    const profile = pathToFileURL(join(folder, 'profile')).href
    const options = ['--headless', '--norestore', `-env:UserInstallation=${profile}`, '--convert-to', 'pdf']
    await run('soffice', [...options, ...Object.keys(files)], { cwd: folder, timeout: BATCH_MS / 2 })
  }, BATCH_MS)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each([
    ['everything', WORDS],
    ['sums', 'Sum|42|_x0041_'],
    ['talk', 'First title|point one|point two|Second title'],
  ])('%s has its words on the pages', async (name, words) => {
    const pdf = join(folder, `${name}.pdf`)
    expect((await readFile(pdf)).toString('latin1', 0, 5)).toBe('%PDF-')
    const { stdout } = await run('pdftotext', ['-layout', pdf, '-'])
    const shown = stdout.replace(/\s+/g, ' ')
    expect(words.split('|').filter((word) => !shown.includes(word))).toEqual([])
  })
})

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((path) => existsSync(join(path, program)))
}
