import { spawnSync } from 'node:child_process'
import { strFromU8, unzipSync } from 'fflate'
import { fileTypeFromBuffer } from 'file-type'
import { expect, test } from 'vitest'
import { type BlankFormat, blankFile, isBlankFormat } from '../../src/core/blank-files.ts'
import { checkContent } from '../../src/core/content-type.ts'
import { mimeTypeOf } from '../../src/core/formats.ts'
import { docxParagraphs, memoryFile } from '../support/files.ts'

const OOXML = ['docx', 'xlsx', 'pptx'] as const
const ODF = ['odt', 'ods', 'odp'] as const
const TEXT = ['txt', 'md', 'csv'] as const
const FORMATS: BlankFormat[] = [...OOXML, ...ODF, ...TEXT, 'html', 'rtf', 'pdf']
/** Text has no mark by which file-type could know it. */
const WITHOUT_MARK: BlankFormat[] = [...TEXT, 'html']

const isPdfinfoMissing = spawnSync('pdfinfo', ['-v']).error !== undefined

const AWKWARD = 'Q&A <draft> {ä\\} “😀”\u0000\ud800'

test.each(FORMATS)('a blank %s is a file of its type for us and for others', async (extension) => {
  const bytes = await blankFile(extension, AWKWARD)

  expect(bytes.length).toBeGreaterThan(0)
  await checkContent(memoryFile(bytes), extension, 'exact')
  const known = WITHOUT_MARK.includes(extension) ? undefined : extension
  expect((await fileTypeFromBuffer(bytes))?.ext).toBe(known)
})

test.each(OOXML)('every relationship of a blank %s leads to a part that is there', async (extension) => {
  const files = unzipSync(await blankFile(extension))

  const relationships = Object.keys(files).filter((name) => name.endsWith('.rels'))
  expect(relationships).toContain('_rels/.rels')
  for (const name of relationships) {
    const folder = name.replace(/_rels\/[^/]*$/, '')
    for (const [, target = ''] of partText(files, name).matchAll(/Target="([^"]+)"/g)) {
      const part = new URL(target, `file:///${folder}`).pathname.slice(1)
      expect(Object.keys(files), `${name} → ${target}`).toContain(part)
    }
  }
})

test('a blank docx has one empty paragraph', async () => {
  expect(docxParagraphs(await blankFile('docx'))).toEqual([''])
})

test('a blank xlsx has one sheet without cells', async () => {
  const files = unzipSync(await blankFile('xlsx'))
  expect(partText(files, 'xl/workbook.xml').match(/<sheet /g)).toHaveLength(1)
  expect(partText(files, 'xl/worksheets/sheet1.xml')).not.toMatch(/<c[ >]/)
})

test('a blank pptx has one slide without shapes', async () => {
  const files = unzipSync(await blankFile('pptx'))
  expect(partText(files, 'ppt/presentation.xml').match(/<p:sldId /g)).toHaveLength(1)
  expect(partText(files, 'ppt/slides/slide1.xml')).not.toContain('<p:sp>')
})

test.each(['docx', 'pptx'] as const)(
  'the title of a blank %s is escaped, and no library signs it',
  async (extension) => {
    const files = unzipSync(await blankFile(extension, 'Q&A <draft>\u0000\ud800'))
    const properties = partText(files, 'docProps/core.xml')
    expect(properties).toContain('<dc:title>Q&amp;A &lt;draft&gt;  </dc:title>')
    expect(properties).not.toMatch(/Un-named|PptxGenJS/)
  },
)

test.each(ODF)('a blank %s begins with its type and lists every part it has', async (extension) => {
  const bytes = await blankFile(extension)
  const files = unzipSync(bytes)

  // Source: OpenDocument 1.3 part 2 §3.3, MIME type stream.
  expect(bytes.toString('latin1', 30, 38)).toBe('mimetype')
  expect(bytes.toString('latin1', 38)).toMatch(mimeTypeOf(extension))
  const listed = partText(files, 'META-INF/manifest.xml').matchAll(/full-path="([^"]+)"/g)
  expect(Array.from(listed, ([, path]) => path)).toEqual(['/', 'content.xml', 'styles.xml', 'meta.xml'])
  expect(Object.keys(files).sort()).toEqual([
    'META-INF/manifest.xml',
    'content.xml',
    'meta.xml',
    'mimetype',
    'styles.xml',
  ])
})

test.each(ODF)('the title of a blank %s is escaped, and equal titles give equal bytes', async (extension) => {
  const bytes = await blankFile(extension, AWKWARD)

  expect(partText(unzipSync(bytes), 'meta.xml')).toContain(
    '<dc:title>Q&amp;A &lt;draft&gt; {ä\\} “😀”  </dc:title>',
  )
  expect(bytes.equals(await blankFile(extension, AWKWARD))).toBe(true)
})

test.each(TEXT)('a blank %s is one line without words', async (extension) => {
  expect((await blankFile(extension, 'Title')).toString()).toMatch(/^\r?\n$/)
})

test('a blank html has its title, and one even when none is given', async () => {
  expect((await blankFile('html', AWKWARD)).toString()).toContain(
    '<title>Q&amp;A &lt;draft&gt; {ä\\} “😀”  </title>',
  )
  expect((await blankFile('html', ' ')).toString()).toContain('<title>Untitled</title>')
})

test('the title of a blank rtf cannot open groups or commands', async () => {
  const text = (await blankFile('rtf', AWKWARD)).toString('latin1')

  expect(text).toContain(String.raw`{\title Q&A <draft> \{\u228?\\\} \u8220?\u-10179?\u-8704?\u8221?  }`)
})

test('the cross-reference table of a blank pdf leads to its objects', async () => {
  const text = (await blankFile('pdf', 'Übersicht 😀')).toString('latin1')

  const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1])
  const [, size, table = ''] = /^xref\n0 (\d+)\n(.*?)trailer/s.exec(text.slice(start)) ?? []
  expect(table).toHaveLength(Number(size) * 20)
  const offsets = Array.from(table.matchAll(/^(\d{10}) 00000 n $/gm), ([, offset]) => Number(offset))
  expect(offsets).toHaveLength(4)
  offsets.forEach((offset, index) => {
    expect(text.slice(offset)).toMatch(new RegExp(`^${index + 1} 0 obj\n`))
  })
})

test.skipIf(isPdfinfoMissing && process.env.REQUIRE_SERVICES !== '1')(
  `a blank pdf has one A4 page and its title for pdfinfo${isPdfinfoMissing ? ' (skipped: it is missing)' : ''}`,
  async () => {
    const pdfinfo = spawnSync('pdfinfo', ['-'], {
      input: await blankFile('pdf', 'Übersicht 😀'),
      encoding: 'utf8',
    })

    expect(pdfinfo.stdout).toMatch(/^Title: +Übersicht 😀$/m)
    expect(pdfinfo.stdout).toMatch(/^Pages: +1$/m)
    expect(pdfinfo.stdout).toMatch(/^Page size: .*\(A4\)$/m)
    // Readers repair a broken table silently but for a line here.
    expect(pdfinfo.stderr).toBe('')
  },
)

test('blank files are made of twelve formats', () => {
  expect(FORMATS).toHaveLength(12)
  expect(FORMATS.every(isBlankFormat)).toBe(true)
  expect(['doc', 'DOCX', '', 'toString'].some(isBlankFormat)).toBe(false)
})

function partText(files: Record<string, Uint8Array>, name: string): string {
  const part = files[name]
  if (!part) throw new Error(`The file has no ${name}`)
  return strFromU8(part)
}
