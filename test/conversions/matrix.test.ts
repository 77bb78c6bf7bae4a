import { strFromU8, unzipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LIBREOFFICE_PAIRS } from '../../src/libreoffice/pairs.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'
import {
  convertBytes,
  filesIn,
  hasLibreOffice,
  openOffice,
  pdfText,
  processesWith,
  type TestOffice,
} from './support.ts'

/** Letters that only survive in the right character set. */
const WORD = 'Žluťoučký'
/** Room for a queue of all the others before it. */
const TIMEOUT_MS = 60_000

const isSkipped = !(await hasLibreOffice())

/** What it publishes of the formats that people exchange. It reads neither PDF nor Markdown as text. */
const MATRIX = 'docx xlsx pptx txt csv html rtf odt ods odp'
  .split(' ')
  .flatMap((from) => [...(LIBREOFFICE_PAIRS.get(from) ?? [])].map((to): [string, string] => [from, to]))

describe.skipIf(isSkipped)(
  `LibreOffice converts${isSkipped ? ' (skipped: it is not installed)' : ''}`,
  () => {
    let opened: TestOffice
    const sources = new Map<string, Promise<Buffer>>()

    beforeAll(async () => {
      opened = await openOffice()
      const from = (source: string, to: string) => async () =>
        convertBytes(opened.office, await sourceOf(source), { from: source, to })
      const makers: [string, () => Promise<Buffer>][] = [
        ['docx', async () => makeDocx(['First', `The word is ${WORD}`])],
        ['html', async () => Buffer.from(`<meta charset="utf-8"><h1>Head</h1><p>The word is ${WORD}</p>`)],
        ['txt', async () => Buffer.from(`First\nThe word is ${WORD}\n`)],
        [
          'xlsx',
          async () =>
            makeXlsx([
              ['a', 'b'],
              ['x', `The word is ${WORD}`],
            ]),
        ],
        ['csv', async () => Buffer.from(`a,b\nx,The word is ${WORD}\n`)],
        ['pptx', makePresentation],
        ['odt', from('docx', 'odt')],
        ['rtf', from('docx', 'rtf')],
        ['ods', from('xlsx', 'ods')],
        ['odp', from('pptx', 'odp')],
      ]
      for (const [type, make] of makers) makersOf.set(type, make)
    })
    afterAll(async () => {
      expect(await filesIn(opened.folder)).toEqual([])
      expect(await processesWith(opened.folder)).toEqual([])
      await opened[Symbol.asyncDispose]()
    })

    const makersOf = new Map<string, () => Promise<Buffer>>()
    function sourceOf(type: string): Promise<Buffer> {
      const known = sources.get(type) ?? makersOf.get(type)?.() ?? Promise.reject(new Error(`no ${type}`))
      sources.set(type, known)
      return known
    }

    test.concurrent.each(MATRIX)(
      '%s to %s, and the word survives',
      { timeout: TIMEOUT_MS },
      async (from, to) => {
        const result = await convertBytes(opened.office, await sourceOf(from), { from, to })
        expect(await textOf(result, to)).toContain(WORD)
      },
    )

    test('cells stay apart, whatever separates them, and quotes stand only where needed', async () => {
      const csv = async (text: string, from: string) =>
        await convertBytes(opened.office, Buffer.from(text), { from, to: from === 'csv' ? 'ods' : 'csv' })
      const sheet = await csv('a;b\n1,5;"x;y"\n', 'csv')
      const back = await convertBytes(opened.office, sheet, { from: 'ods', to: 'csv' })
      expect(back.toString().trimEnd()).toBe('a,b\n"1,5",x;y')
      expect((await csv('a\tb\n2\tž\n', 'tsv')).toString().trimEnd()).toBe('a,b\n2,ž')
    })

    test('pictures stay inside an HTML page', async () => {
      const pixel =
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
      const page = Buffer.from(`<p>x</p><img width="9" height="9" src="data:image/png;base64,${pixel}">`)
      const odt = await convertBytes(opened.office, page, { from: 'html', to: 'odt' })
      const html = await convertBytes(opened.office, odt, { from: 'odt', to: 'html' })
      expect(html.toString()).toContain('src="data:image/png;base64,')
    })
  },
)

async function textOf(bytes: Buffer, type: string): Promise<string> {
  if (type === 'pdf') return pdfText(bytes)
  // RTF writes other letters as \uN with a substitute behind.
  if (type === 'rtf') {
    return bytes
      .toString('latin1')
      .replace(/\\u(\d+)(?:\\'[0-9a-f]{2}|[^\\])/g, (_, code) => String.fromCharCode(Number(code)))
  }
  if (bytes.toString('latin1', 0, 2) !== 'PK') return bytes.toString('utf8')
  return Object.entries(unzipSync(bytes, { filter: ({ name }) => name.endsWith('.xml') }))
    .map(([, part]) => strFromU8(part))
    .join('\n')
}

async function makePresentation(): Promise<Buffer> {
  const library = await import('pptxgenjs')
  // Its types describe the CommonJS build; the default of the module is the class itself.
  const Presentation = library.default as unknown as typeof library.default.default
  const presentation = new Presentation()
  presentation.addSlide().addText(`The word is ${WORD}`, { x: 1, y: 1, w: 8, h: 1 })
  const bytes = await presentation.write({ outputType: 'nodebuffer' })
  if (!Buffer.isBuffer(bytes)) throw new TypeError('pptxgenjs gave no Buffer')
  return bytes
}
