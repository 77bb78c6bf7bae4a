import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { convert } from '../../src/core/conversions.ts'
import { isProblem } from '../../src/errors.ts'
import { makeDocx, makeOdf, makeOle, makePptx, makeZip } from '../support/files.ts'
import {
  convertBytes,
  filesIn,
  freshFolder,
  hasLibreOffice,
  openOffice,
  pdfText,
  problemOf,
  processesWith,
  type TestOffice,
  testDeps,
} from './support.ts'

const TIMEOUT_MS = 120_000
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const hasOffice = await hasLibreOffice()

let opened: TestOffice
beforeAll(async () => {
  opened = await openOffice()
})
afterAll(async () => {
  await opened[Symbol.asyncDispose]()
})

describe.skipIf(!hasOffice)(`made to do harm${hasOffice ? '' : ' (skipped: no LibreOffice)'}`, () => {
  test.each<[string, string, Buffer]>([
    ['an encrypted DOCX', 'docx', makeOle(['EncryptionInfo', 'EncryptedPackage'])],
    ['a PPTX cut off in the middle', 'pptx', firstHalf(makePptx())],
    ['an ODT cut off in the middle', 'odt', firstHalf(makeOdf('application/vnd.oasis.opendocument.text'))],
    ['an XLS cut off in the middle', 'xls', firstHalf(makeOle(['Workbook']))],
    ['an XLS with nothing in it', 'xls', makeOle(['Workbook'])],
    ['random bytes as XLSX', 'xlsx', randomBytes(20_000)],
    ['a web page as DOCX', 'docx', Buffer.from('<html><body><p>quokka</p></body></html>')],
    ['a DOCX as XLSX', 'xlsx', makeDocx(['quokka'])],
    ['an empty file as RTF', 'rtf', Buffer.alloc(0)],
  ])('%s is refused, and no page is made of it', { timeout: TIMEOUT_MS }, async (_name, from, bytes) => {
    await using t = await testDeps({ converter: opened.office })
    const version = await t.version(bytes, from)
    const problem = await problemOf(
      convert(t.deps, { version, title: 'Bad', target: 'pdf', fileAddress: () => '' }),
    )
    expect([problem.code, problem.status]).toEqual(['conversion-failed', 422])
    expect(problem.message).toMatch(/(?:cannot be|could not) read/)
    expect(await processesWith(opened.folder)).toEqual([])
    expect(await filesIn(opened.folder)).toEqual([])
  })

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
    expect((performance.now() - startedAt) / 1000).toBeLessThan(40)
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

function firstHalf(bytes: Buffer): Buffer {
  return bytes.subarray(0, bytes.length / 2)
}
