import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { readParagraphs, writeParagraphs } from '../../src/emulator/docx.ts'
import { docx } from './host.ts'

const SAMPLES = path.resolve(import.meta.dirname, '../../../shared/samples/good')

function withBody(body: string): Buffer {
  const parts = unzipSync(docx('x'))
  return Buffer.from(
    zipSync({
      ...parts,
      'word/document.xml': strToU8(`<w:document><w:body>${body}<w:sectPr/></w:body></w:document>`),
    }),
  )
}

const bodyOf = (bytes: Buffer) =>
  strFromU8(unzipSync(bytes)['word/document.xml'] ?? new Uint8Array()).replace(
    /^.*<w:body>|<w:sectPr\/>.*$/g,
    '',
  )

test('runs, empty paragraphs, tables and text boxes', () => {
  const box =
    '<w:p><w:pPr><w:b/></w:pPr><w:r><w:t>out</w:t></w:r><w:txbx><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbx><w:r><w:t>side</w:t></w:r></w:p>'
  const bytes = withBody(`${box}<w:p/><w:tbl><w:p a="1"></w:p></w:tbl>`)
  expect(readParagraphs(bytes)).toEqual(['outside', '', ''])
  const written = writeParagraphs(
    bytes,
    new Map([
      [0, 'new'],
      [1, 'was <empty>'],
      [2, 'cell'],
      [3, 'added'],
    ]),
  )
  expect(readParagraphs(written)).toEqual(['new', 'was <empty>', 'cell', 'added'])
  expect(bodyOf(written)).toContain('<w:txbx><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbx>')
  expect(bodyOf(written)).toContain('<w:pPr><w:b/></w:pPr>')
  expect(bodyOf(written)).toMatch(/<\/w:tbl><w:p><w:r><w:t xml:space="preserve">added<\/w:t><\/w:r><\/w:p>$/)
})

test('entities are read as text and written back', () => {
  const bytes = withBody('<w:p><w:r><w:t>a &amp;&lt;&gt;&quot;&apos; &#228;&#x1F600;</w:t></w:r></w:p>')
  expect(readParagraphs(bytes)).toEqual([`a &<>"' ä😀`])
  expect(readParagraphs(writeParagraphs(bytes, new Map([[0, '&amp; \u0000\n]]>']])))).toEqual(['&amp;  ]]>'])
})

test('what is no docx has no paragraphs', () => {
  expect(readParagraphs(Buffer.from('not a zip'))).toBeUndefined()
  expect(readParagraphs(Buffer.from(zipSync({ 'a.txt': strToU8('a') })))).toBeUndefined()
})

describe.skipIf(!existsSync(SAMPLES))('real documents', () => {
  const names = existsSync(SAMPLES) ? readdirSync(SAMPLES).filter((name) => name.endsWith('.docx')) : []
  test.each(names)('%s keeps everything but the edited paragraph', (name) => {
    const bytes = readFileSync(path.join(SAMPLES, name))
    const before = readParagraphs(bytes) ?? []
    expect(before.length).toBeGreaterThan(0)
    const index = Math.floor(before.length / 2)
    const edited = writeParagraphs(
      bytes,
      new Map([
        [index, 'edited here'],
        [before.length, 'the end'],
      ]),
    )
    expect(readParagraphs(edited)).toEqual([...before.with(index, 'edited here'), 'the end'])
    const [old, next] = [unzipSync(bytes), unzipSync(edited)]
    expect(Object.keys(next)).toEqual(Object.keys(old))
    for (const part of Object.keys(old)) {
      if (part !== 'word/document.xml')
        expect(Buffer.from(next[part] ?? []).equals(Buffer.from(old[part] ?? [])), part).toBe(true)
    }
  })
})
