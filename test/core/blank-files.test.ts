import { strFromU8, unzipSync } from 'fflate'
import { fileTypeFromBuffer } from 'file-type'
import { expect, test } from 'vitest'
import { type BlankFormat, blankFile, isBlankFormat } from '../../src/core/blank-files.ts'
import { checkContent } from '../../src/core/content-type.ts'
import { docxParagraphs, memoryFile } from '../support/files.ts'

const FORMATS: BlankFormat[] = ['docx', 'xlsx', 'pptx']

test.each(FORMATS)('a blank %s is a file of its type for us and for others', async (extension) => {
  const bytes = await blankFile(extension, 'Quarterly report')

  await checkContent(memoryFile(bytes), extension, 'exact')
  expect((await fileTypeFromBuffer(bytes))?.ext).toBe(extension)
})

test.each(FORMATS)('every relationship of a blank %s leads to a part that is there', async (extension) => {
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

test('blank files are made of three formats', () => {
  expect(FORMATS.every(isBlankFormat)).toBe(true)
  expect(['odt', 'DOCX', '', 'toString'].some(isBlankFormat)).toBe(false)
})

function partText(files: Record<string, Uint8Array>, name: string): string {
  const part = files[name]
  if (!part) throw new Error(`The file has no ${name}`)
  return strFromU8(part)
}
