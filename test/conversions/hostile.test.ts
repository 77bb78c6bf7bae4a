import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isProblem } from '../../src/errors.ts'
import { makeZip } from '../support/files.ts'
import {
  convertBytes,
  filesIn,
  freshFolder,
  hasLibreOffice,
  openOffice,
  pdfText,
  processesWith,
  type TestOffice,
} from './support.ts'

const SAMPLES = new URL('../../../shared/samples', import.meta.url).pathname
/** All of them take minutes: only with ALL_SAMPLES=1. */
const isAll = process.env.ALL_SAMPLES === '1'
const LEGACY = ['Word6.doc', 'testEXCEL_95.xls', '49648.ppt']
const FOLDERS = ['hostile', 'legacy', ...(isAll ? ['good'] : [])]
const TIMEOUT_MS = 120_000
const LONGEST_S = 30
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const hasOffice = await hasLibreOffice()
const hasSamples = existsSync(SAMPLES)
const why = hasOffice ? (hasSamples ? '' : ' (skipped: no samples)') : ' (skipped: no LibreOffice)'

let opened: TestOffice
beforeAll(async () => {
  opened = await openOffice()
})
afterAll(async () => {
  await opened[Symbol.asyncDispose]()
})

describe.skipIf(!hasOffice || !hasSamples)(`real samples to PDF${why}`, () => {
  const samples = (hasSamples ? FOLDERS : []).flatMap((folder) =>
    readdirSync(join(SAMPLES, folder)).map((name) => ({ folder, name, from: extname(name).slice(1) })),
  )
  const chosen = samples.filter(
    ({ folder, name, from }) => from !== 'xps' && (isAll || folder === 'hostile' || LEGACY.includes(name)),
  )

  test('each ends in time with a PDF or a clear refusal; only hostile ones are refused', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const rest = [...chosen]
    const refused: string[] = []
    async function worker() {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
        const { folder, name, from } = next
        const bytes = await readFile(join(SAMPLES, folder, name))
        const startedAt = performance.now()
        const result = await convertBytes(opened.office, bytes, { from, to: 'pdf' }).catch(
          (error: unknown) => {
            if (!isProblem(error, 'conversion-failed')) throw error
            return undefined
          },
        )
        expect([name, (performance.now() - startedAt) / 1000 < LONGEST_S]).toEqual([name, true])
        if (result === undefined) refused.push(`${folder}/${name}`)
        else expect([name, result.toString('latin1', 0, 5)]).toEqual([name, '%PDF-'])
      }
    }
    await Promise.all([worker(), worker()])
    expect(refused.filter((name) => !name.startsWith('hostile/'))).toEqual([])
    expect(refused).toContain('hostile/PasswordProtected.doc')
    expect(await processesWith(opened.folder)).toEqual([])
    expect(await filesIn(opened.folder)).toEqual([])
  })
})

describe.skipIf(!hasOffice)(`made to do harm${hasOffice ? '' : ' (skipped: no LibreOffice)'}`, () => {
  test('a zip bomb is stopped by time or memory', { timeout: TIMEOUT_MS }, async () => {
    // One paragraph of 64 MiB, a thousandth of that in the file.
    const text = Buffer.alloc(64 * 1024 ** 2, 'a')
    const xml =
      '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>'
    text.write(xml)
    text.write('</w:t></w:r></w:p></w:body></w:document>', text.length - 40)
    const bomb = makeZip({
      '[Content_Types].xml':
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
      '_rels/.rels':
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
      'word/document.xml': text,
    })
    await using quick = await openOffice({ limits: { timeLimitS: 8 } })
    const startedAt = performance.now()
    const result = await convertBytes(quick.office, bomb, { from: 'docx', to: 'pdf' }).catch(
      (error: unknown) => error,
    )
    expect(isProblem(result, 'conversion-failed')).toBe(true)
    expect((performance.now() - startedAt) / 1000).toBeLessThan(12)
    expect(await processesWith(quick.folder)).toEqual([])
    expect(await filesIn(quick.folder)).toEqual([])
  })

  test('a document fetches nothing from the network and shows no picture of this machine', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('x')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await using folder = await freshFolder()
    const picture = join(folder.path, 'private.png')
    await writeFile(picture, PIXEL)
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const frame = (target: string) =>
      `<draw:frame svg:width="3cm" svg:height="3cm" text:anchor-type="as-char"><draw:image xlink:href="${target}" xlink:type="simple"/></draw:frame>`
    const names = 'urn:oasis:names:tc:opendocument:xmlns'
    const fodt = `<?xml version="1.0"?><office:document xmlns:office="${names}:office:1.0" xmlns:text="${names}:text:1.0" xmlns:draw="${names}:drawing:1.0" xmlns:svg="${names}:svg-compatible:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text><text:p>quokka${frame(`${base}/frame.png`)}${frame(`file://${picture}`)}</text:p></office:text></office:body></office:document>`
    const html = `<p>quokka</p><img src="${base}/picture.png"><img width="50" height="50" src="file://${picture}"><link rel="stylesheet" href="${base}/style.css">`
    const embedded = `<p>quokka</p><img width="50" height="50" src="data:image/png;base64,${PIXEL.toString('base64')}">`
    for (const [from, source, pictures] of [
      ['fodt', fodt, false],
      ['html', html, false],
      // What the document brings along is shown: the others are missing for the right reason.
      ['html', embedded, true],
    ] as const) {
      const pdf = await convertBytes(opened.office, Buffer.from(source), { from, to: 'pdf' })
      expect(await pdfText(pdf)).toContain('quokka')
      expect([from, pdf.includes('/Subtype/Image')]).toEqual([from, pictures])
    }
    server.close()
    expect(asked).toEqual([])
  })
})
