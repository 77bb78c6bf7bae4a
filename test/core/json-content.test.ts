import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DOCUMENT_LIMITS } from '../../src/core/json-content/limits.ts'
import { fileFromJson } from '../../src/core/json-content.ts'
import { isProblem } from '../../src/errors.ts'
import { docxParagraphs } from '../support/files.ts'
import { doc, htmlBody, list, makeDoc, node, PNG, paragraph, text, textOf } from './json-content/made.ts'

const DOCX = { type: 'Docs', extension: 'docx', title: 'T' } as const
const XLSX = { type: 'Sheet', extension: 'xlsx', title: 'T' } as const
const PPTX = { type: 'Slide', extension: 'pptx', title: 'T' } as const

async function expectInvalid(json: string, wanted: Parameters<typeof fileFromJson>[1], detail = '') {
  const error = await fileFromJson(json, wanted).catch((problem: unknown) => problem)
  expect(isProblem(error, 'json-content-invalid')).toBe(true)
  expect(String(error)).toContain(detail)
}

const repeat = (count: number, one: string) => Array.from({ length: count }, () => one).join(',')

test.each(['', '{', 'nonsense', '{"type":"doc",}', '[1]]'])('%j is not JSON', async (json) => {
  for (const wanted of [DOCX, XLSX, PPTX]) await expectInvalid(json, wanted, 'not JSON')
})

test.each([
  '[]',
  'null',
  '7',
  '"doc"',
  '{}',
  '{"type":"page","content":[]}',
  '{"__proto__":{"type":"doc","content":[],"sheets":[],"slides":[]}}',
  '{"sheets":{"a":{}},"slides":{}}',
  '{"sheets":[{"cells":{}}],"slides":[{"elements":[]}]}',
])('%s has no known shape: the file stays', async (json) => {
  for (const wanted of [DOCX, XLSX, PPTX]) expect(await fileFromJson(json, wanted)).toBeUndefined()
})

test('a shape counts for its own type only', async () => {
  const document = JSON.stringify(doc())
  expect(await fileFromJson(document, XLSX)).toBeUndefined()
  expect(await fileFromJson(document, PPTX)).toBeUndefined()
  expect(await fileFromJson('{"sheets":[]}', DOCX)).toBeUndefined()
  expect((await fileFromJson('{"sheets":[]}', XLSX))?.extension).toBe('xlsx')
  expect((await fileFromJson('{"slides":[]}', PPTX))?.extension).toBe('pptx')
})

test.each([
  '"text"',
  '7',
  'null',
  '{}',
  '{"type":7}',
  '{"type":"text"}',
  '{"type":"text","text":1}',
  '{"type":"paragraph","content":"x"}',
  '{"type":"text","text":"x","marks":{}}',
  '{"type":"text","text":"x","marks":[null]}',
])('a document with the node %s is broken', (one) => expectInvalid(`{"type":"doc","content":[${one}]}`, DOCX))

test('JSON of 100,000 levels is refused, for every type', async () => {
  const levels = 100_000
  for (const wanted of [DOCX, XLSX, PPTX]) {
    await expectInvalid('['.repeat(levels) + ']'.repeat(levels), wanted, 'levels')
    await expectInvalid('{"a":'.repeat(levels), wanted, 'levels')
  }
  // Brackets within a text are no levels.
  const words = `"\\${'['.repeat(levels)}`
  expect(
    (
      await fileFromJson(JSON.stringify(doc(paragraph(words))), { ...DOCX, extension: 'txt' })
    )?.bytes.toString(),
  ).toBe(`${words}\n`)
})

test.each(['docx', 'html', 'md', 'txt'])(
  '100 nodes inside each other are a file of %s, one more is refused',
  async (extension) => {
    const nested = (levels: number) => {
      let inner: object = paragraph('core')
      for (let level = 2; level < levels; level += 1)
        inner = node(level % 2 ? 'blockquote' : 'bulletList', {}, inner)
      return JSON.stringify(doc(inner))
    }
    expect((await fileFromJson(nested(100), { ...DOCX, extension }))?.bytes.length).toBeGreaterThan(100)
    await expectInvalid(nested(101), { ...DOCX, extension }, 'inside each other')
  },
)

test('documents beyond the limits are refused', async () => {
  const item = JSON.stringify(list('bulletList', 'listItem', [paragraph()]))
  const table = JSON.stringify(node('table', {}, node('tableRow', {}, node('tableCell', {}))))
  const cell = JSON.stringify(node('tableCell', {}))
  const link = JSON.stringify(text('a', { type: 'link', attrs: { href: 'https://a/' } }))
  const wide = JSON.stringify(
    node('table', {}, node('tableRow', {}, node('tableCell', { colspan: 1000 }), node('tableCell', {}))),
  )
  const tall = JSON.stringify(
    node('tableRow', {}, ...Array.from({ length: 400 }, () => node('tableCell', { rowspan: 400 }))),
  )
  const picture = JSON.stringify(node('image', { src: PNG }))
  const beyond: [string, string][] = [
    [repeat(DOCUMENT_LIMITS.nodes + 1, '{"type":"paragraph"}'), 'nodes'],
    [JSON.stringify(paragraph('\n'.repeat(DOCUMENT_LIMITS.nodes))), 'nodes'],
    [repeat(DOCUMENT_LIMITS.lists + 1, item), 'lists'],
    [repeat(DOCUMENT_LIMITS.tables + 1, table), 'tables'],
    [`{"type":"table","content":[{"type":"tableRow","content":[${repeat(30_001, cell)}]}]}`, 'cells'],
    [`{"type":"table","content":[${tall},${repeat(400, '{"type":"tableRow"}')}]}`, 'more than'],
    [wide, 'columns'],
    [repeat(DOCUMENT_LIMITS.links + 1, link), 'links'],
    [repeat(101, picture), 'pictures'],
  ]
  for (const [content, detail] of beyond) {
    await expectInvalid(`{"type":"doc","content":[${content}]}`, { ...DOCX, extension: 'txt' }, detail)
  }
})

test('a text file that would grow without end is refused', async () => {
  let inner: object = node('codeBlock', {}, text('x\n'.repeat(90_000)))
  for (let level = 0; level < 48; level += 1) {
    inner = node('orderedList', { start: 999_999_999 }, node('listItem', {}, inner))
  }
  await expectInvalid(JSON.stringify(doc(inner)), { ...DOCX, extension: 'md' }, 'too long')
})

test('keys named __proto__ do nothing', async () => {
  const json =
    '{"type":"doc","content":[{"type":"paragraph","attrs":{"__proto__":{"textAlign":"center"}},"content":[{"type":"text","text":"x","__proto__":{"marks":[{"type":"bold"}]}}]}]}'
  const made = await fileFromJson(json, { ...DOCX, extension: 'html' })
  expect(made?.bytes.toString()).toContain('<p>x</p>')
  expect(Object.hasOwn(Object.prototype, 'textAlign')).toBe(false)
})

/** What the formats keep: lines and spaces are compared by words. */
function words(all: string): string {
  return all
    .replace(/[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
}

function unescapeHtml(html: string): string {
  const named: Record<string, string> = { lt: '<', gt: '>', quot: '"', amp: '&' }
  return html.replace(/<[^>]*>/g, ' ').replace(/&(lt|gt|quot|amp);/g, (_, name) => named[name] ?? '')
}

/** Source: CommonMark 0.31, Backslash escapes and numeric character references. */
function unescapeMarkdown(markdown: string): string {
  return markdown.replace(
    /\\\n|\\([!-/:-@[-`{-~])|&#(\d+);/g,
    (_, sign, code) => sign ?? (code ? String.fromCharCode(Number(code)) : '\n'),
  )
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom(...'ab1 \t\n\\`*_[]<>#+-=.)!|~&;:$"\''), maxLength: 30 }),
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 10 })
    .map((units) => String.fromCharCode(...units)),
)

test('any text survives in docx, html, md and txt', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyText, { minLength: 1, maxLength: 4 }), async (texts) => {
      const json = doc(...texts.map((one) => paragraph(one)))
      const expected = words(texts.join('\n'))
      const docx = docxParagraphs(await makeDoc(json, 'docx'))
      // A break stands between two texts of a paragraph.
      expect(docx.join('').replace(/\s/gu, '')).toBe(expected.replaceAll(' ', ''))
      expect(words(unescapeHtml(await htmlBody(json)))).toBe(expected)
      expect(words(unescapeMarkdown(await textOf(json, 'md')))).toBe(expected)
      expect(words(await textOf(json, 'txt'))).toBe(expected)
    }),
    { numRuns: 150 },
  )
})
