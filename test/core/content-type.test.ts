import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { deflateRawSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkContent, detectContent } from '../../src/core/content-type.ts'
import type { RandomAccess } from '../../src/core/ports.ts'
import { isProblem, Problem } from '../../src/errors.ts'
import {
  makeDocx,
  makeOdf,
  makeOle,
  makeOoxml,
  makePptx,
  makeXlsx,
  makeZip,
  makeZip64,
  memoryFile,
} from '../support/files.ts'

const SAMPLES = new URL('../../../shared/samples/', import.meta.url)
const hasSamples = existsSync(SAMPLES)
const kinds = hasSamples ? ['good', 'legacy', 'hostile'] : []
const samples = kinds.flatMap((kind) =>
  readdirSync(new URL(kind, SAMPLES)).map((name) => ({ kind, name, extension: extensionOf(name) })),
)
const honest = samples.filter(({ kind }) => kind !== 'hostile')
const hostile = samples.filter(({ kind }) => kind === 'hostile')

const OOXML = 'application/vnd.openxmlformats-officedocument'
const CONTENT_TYPES = '[Content_Types].xml'
/** On the busiest machine; what takes the square of its length takes minutes. */
const AT_ONCE_MS = 20_000

describe.skipIf(!hasSamples)('real files (skipped where the samples are absent)', () => {
  test('they pass under their own extension', async () => {
    expect(honest.length).toBeGreaterThan(40)
    for (const { kind, name, extension } of honest) {
      expect(await refusal(sample(kind, name), extension, 'exact'), name).toBeUndefined()
      expect(await refusal(sample(kind, name), extension, 'family'), name).toBeUndefined()
    }
  })

  test('hostile ones pass or are refused, at once', async () => {
    expect(hostile.length).toBeGreaterThan(15)
    for (const { kind, name, extension } of hostile) {
      const startedAt = performance.now()
      await refusal(sample(kind, name), extension)
      expect(performance.now() - startedAt, name).toBeLessThan(AT_ONCE_MS)
    }
  })

  test('encrypted OOXML passes as any OOXML', async () => {
    for (const name of ['protected_agile.docx', 'protected_sha512.xlsx', 'bug53475-password-is-pass.docx']) {
      expect(await refused(sample('hostile', name), ['docx', 'xlsm', 'pptx'])).toEqual([])
      expect(await refused(sample('hostile', name), ['pdf', 'odt', 'txt', 'doc', 'zip'])).toHaveLength(5)
    }
  })

  test('none passes as one of another family', async () => {
    const families = 'docx xlsx pptx doc xls ppt odt ods odp pdf xps txt html rtf'.split(' ')
    const isEncrypted = /^(protected_|bug53475)|6411649193738240|5231088823566336/
    for (const { kind, name, extension } of samples) {
      const own = isEncrypted.test(name) ? ['docx', 'xlsx', 'pptx'] : [extension]
      const others = families.filter((one) => !own.includes(one))
      expect(await refused(sample(kind, name), others), name).toEqual(others)
      const strangers = others.filter((one) => !/^(doc|xls|ppt)/.test(one) && one !== extension)
      for (const one of strangers) {
        expect(await refusal(sample(kind, name), one, 'family'), `${name} as ${one}`).toBeInstanceOf(Problem)
      }
    }
  })

  test('macros, templates and shows do not pass as documents, except in a save', async () => {
    const names = 'SimpleMacro.docm SimpleMacro.xlsm SimpleMacro.pptm test.dotx test.xltx testPPT.ppsx'
    for (const name of names.split(' ')) {
      const plain = { d: 'docx', x: 'xlsx', p: 'pptx' }[extensionOf(name).charAt(0)] ?? ''
      expect(await refusal(sample('good', name), plain, 'exact'), name).toBeInstanceOf(Problem)
      expect(await refusal(sample('good', name), plain, 'family'), name).toBeUndefined()
    }
  })
})

test('the refusal says what the file is', async () => {
  const png = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01', 'latin1')
  const refusals: [Buffer, string, string][] = [
    [makeXlsx([['1']]), 'docx', 'The file is an XLSX workbook, not DOCX'],
    [makeDocx(['a']), 'PDF', 'The file is a DOCX document, not PDF'],
    [Buffer.from('hello'), 'docx', 'The file is plain text, not DOCX'],
    [Buffer.alloc(0), 'xlsx', 'The file is empty, not XLSX'],
    [makeDocx(['a']).subarray(0, 300), 'docx', 'The file is a damaged ZIP archive, not DOCX'],
    [png, 'txt', 'The file is a PNG file, not TXT'],
  ]
  for (const [bytes, extension, detail] of refusals) {
    expect((await refusal(bytes, extension))?.message).toBe(detail)
  }
})

test('an extension outside the table is refused as such', async () => {
  const fault = await checkContent(memoryFile(Buffer.from('a')), 'exe', 'family').catch((error) => error)
  expect(isProblem(fault, 'extension-unsupported')).toBe(true)
})

test('a package is told by its main part', async () => {
  const types: [string, string][] = [
    ['docx', `${OOXML}.wordprocessingml.document.main+xml`],
    ['docm', 'application/vnd.ms-word.document.macroEnabled.main+xml'],
    ['dotm', 'application/vnd.ms-word.template.macroEnabledTemplate.main+xml'],
    ['xlsb', 'application/vnd.ms-excel.sheet.binary.macroEnabled.main'],
    ['xltm', 'application/vnd.ms-excel.template.macroEnabled.main+xml'],
    ['potx', `${OOXML}.presentationml.template.main+xml`],
    ['ppsm', 'application/vnd.ms-powerpoint.slideshow.macroEnabled.main+xml'],
  ]
  for (const [extension, contentType] of types) {
    const bytes = makeOoxml('any/main.part', contentType, { 'any/main.part': '' })
    expect((await detectContent(memoryFile(bytes))).extensions).toEqual([extension])
  }
})

test('the main part may be declared by default of its extension, by a path from the root, and in UTF-16', async () => {
  const type = `${OOXML}.spreadsheetml.sheet.main+xml`
  const bytes = makeZip({
    [CONTENT_TYPES]: Buffer.from(`\uFEFF<T><Default Extension='xml' ContentType='${type}'/></T>`, 'utf16le'),
    '_rels/.rels': `<r:Relationships><r:Relationship Target="/x/../xl/book.xml" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"/></r:Relationships>`,
  })
  expect((await detectContent(memoryFile(bytes))).extensions).toEqual(['xlsx'])
})

test('Visio and ONLYOFFICE forms are told by their declarations', async () => {
  const visio = makeZip({
    [CONTENT_TYPES]: `<Types><Override PartName="/visio/document.xml" ContentType="application/vnd.ms-visio.drawing.main+xml"/></Types>`,
    '_rels/.rels': `<Relationship Type="http://schemas.microsoft.com/visio/2010/relationships/document" Target="visio/document.xml"/>`,
  })
  const form = makeZip({
    [CONTENT_TYPES]: `<Types><Default Extension="docxf" ContentType="${OOXML}.wordprocessingml.document.docxf"/><Override PartName="/word/document.xml" ContentType="${OOXML}.wordprocessingml.document.main+xml"/></Types>`,
  })
  expect((await detectContent(memoryFile(visio))).extensions).toEqual(['vsdx'])
  expect((await detectContent(memoryFile(form))).extensions).toEqual(['docxf'])
})

test('a package that declares two main parts is what its relationship says', async () => {
  const types = { 'xl/workbook.xml': `${OOXML}.spreadsheetml.sheet.main+xml` }
  const word = `${OOXML}.wordprocessingml.document.main+xml`
  const both = makeOoxml('word/document.xml', word, { 'xl/workbook.xml': '' }, types)
  expect(await refused(both, ['docx', 'xlsx'])).toEqual(['xlsx'])

  const without = makeZip({
    [CONTENT_TYPES]: `<Types><Override PartName="/a" ContentType="${word}"/><Override PartName="/b" ContentType="${types['xl/workbook.xml']}"/></Types>`,
  })
  expect(await refused(without, ['docx', 'xlsx'])).toEqual(['docx', 'xlsx'])
})

test('OpenDocument is told by its MIME type, or else by its manifest', async () => {
  const odf = 'application/vnd.oasis.opendocument'
  const manifest = `<manifest:file-entry manifest:media-type="${odf}.presentation" manifest:full-path="/"/>`
  const expected: [Buffer, string][] = [
    [makeOdf(`${odf}.text`), 'odt'],
    [makeOdf(`${odf}.spreadsheet-template`), 'ots'],
    [makeOdf('application/vnd.sun.xml.writer'), 'sxw'],
    [makeZip({ 'META-INF/manifest.xml': manifest }), 'odp'],
    [makeZip({ mimetype: 'application/epub+zip\n' }), 'epub'],
    [makeZip({ mimetype: 'application/hwp+zip' }), 'hwpx'],
    [makeZip({ 'Index/Document.iwa': '', 'Index/MasterSlide-1.iwa': '' }), 'key'],
    [makeZip({ 'a.txt': 'a' }), 'zip'],
  ]
  for (const [bytes, extension] of expected) {
    expect((await detectContent(memoryFile(bytes))).extensions, extension).toEqual([extension])
  }
})

test('text passes as text in UTF-8, UTF-16 and 8-bit code pages', async () => {
  const texts = {
    ascii: Buffer.from('a;b\r\n1;2\r\n\x1a'),
    utf8: Buffer.from(`\uFEFFGrüße, 世界 ${'ä'.repeat(200_000)}`),
    utf16: Buffer.from('\uFEFFname\tvalue', 'utf16le'),
    utf16be: Buffer.from('\uFEFFname', 'utf16le').swap16(),
    latin1: Buffer.from('BMI;Größe\nMüller;1', 'latin1'),
    shiftJis: Buffer.from('93fa967b8cea', 'hex'),
    aboutPdf: Buffer.from('a PDF begins with %PDF-1.7'),
    empty: Buffer.alloc(0),
  }
  for (const [name, bytes] of Object.entries(texts)) {
    expect(await refused(bytes, ['txt', 'csv', 'tsv', 'md', 'docx']), name).toEqual(['docx'])
  }
})

test('what is not text does not pass as text', async () => {
  const binaries = {
    docx: makeDocx(['a']),
    pdf: Buffer.from('%PDF-1.4 all in ASCII'),
    rtf: Buffer.from('{\\rtf1 hello}'),
    nul: Buffer.from('a\0b'),
    controls: Buffer.from('a\x01\x02b'),
    'gzip of a few bytes': Buffer.from('1f8b08ffa1a2a3a4a5f3', 'hex'),
    'NUL in the middle': Buffer.from(`${'a'.repeat(150_000)}\0\0${'a'.repeat(150_000)}`),
    'NUL after the first sample': Buffer.from(`${'a'.repeat(70_000)}\0`),
    'NUL at the end': Buffer.from(`${'a'.repeat(300_000)}\0`),
  }
  for (const [name, bytes] of Object.entries(binaries)) {
    expect(await refused(bytes, ['txt', 'csv', 'md', 'html']), name).toEqual(['txt', 'csv', 'md', 'html'])
  }
})

test('formats of marked text are told by their marks', async () => {
  const flat = `<?xml version="1.0"?><office:document office:mimetype="application/vnd.oasis.opendocument.spreadsheet">`
  const marked: [string, string[], string[]][] = [
    ['1 < 2 and no tag', ['txt'], ['html', 'xml', 'mht', 'fb2']],
    ['<!doctype html><p>hello', ['html', 'htm', 'txt'], ['mht', 'fb2', 'fodt', 'doc']],
    ['<?xml version="1.0"?><FictionBook>', ['fb2', 'xml'], ['fodt', 'mhtml']],
    [flat, ['fods', 'xml'], ['fodt', 'fodp', 'ods']],
    ['MIME-Version: 1.0\r\nContent-Type: multipart/related', ['mht', 'mhtml'], ['html', 'xml']],
  ]
  for (const [text, passing, others] of marked) {
    expect(await refused(Buffer.from(text), [...passing, ...others]), text).toEqual(others)
    expect(await refusal(Buffer.from(text), 'html', 'family')).toBeUndefined()
  }
})

test('PDF, RTF, DjVu and bare workbooks are told by their first bytes', async () => {
  const expected: [Buffer, string][] = [
    [Buffer.from('%PDF-1.7\n%\xff\0', 'latin1'), 'pdf'],
    [Buffer.from('\0\0garbage\n%PDF-1.7\n\0', 'latin1'), 'pdf'],
    [Buffer.from('{\\rtf1\\ansi}'), 'rtf'],
    [Buffer.from('AT&TFORM\0\0\0\0DJVU', 'latin1'), 'djvu'],
    [Buffer.from('090004000200100000', 'hex'), 'xls'],
    [Buffer.from('0904060000001000', 'hex'), 'xls'],
    [Buffer.from('ffd8ffe000104a464946000101', 'hex'), 'jpg'],
  ]
  for (const [bytes, extension] of expected) {
    expect(await refused(bytes, [extension, 'docx', 'txt', 'doc']), extension).toEqual(['docx', 'txt', 'doc'])
  }
})

test('an OLE file is told by its top streams alone, whatever is embedded', async () => {
  expect(await refused(makeOle(['WordDocument', 'Data']), ['doc', 'dot', 'xls', 'ppt'])).toEqual([
    'xls',
    'ppt',
  ])
  expect(await refused(makeOle(['Book']), ['xls', 'xlt', 'doc'])).toEqual(['doc'])
  expect(await refused(makeOle(['PowerPoint Document']), ['ppt', 'pps', 'pot', 'doc'])).toEqual(['doc'])
  expect(await refused(makeOle(['EncryptedPackage']), ['docx', 'xlsb', 'doc'])).toEqual(['doc'])
  expect(await refused(makeOle(['FileHeader', 'DocInfo']), ['hwp', 'doc'])).toEqual(['doc'])
  expect(await refused(makeOle(['ObjectPool'], ['Workbook']), ['xls', 'doc'])).toEqual(['xls', 'doc'])
  expect(await refusal(makeOle(['Workbook']), 'doc', 'family')).toBeUndefined()

  const circle = makeOle(['WordDocument'])
  circle.writeUInt32LE(1, 512 + 4)
  expect((await refusal(circle, 'doc'))?.message).toBe('The file is a damaged OLE file, not DOC')
})

test('the directory of a large OLE file is found through its list of table sectors', async () => {
  const bytes = Buffer.concat([makeOle(['WordDocument']), Buffer.alloc(14_000 * 512)])
  bytes.copyWithin(14_001 * 512, 1024, 1536)
  // Directory in sector 14,000; list in sector 2; the table sector for it is sector 3.
  bytes.writeUInt32LE(14_000, 48)
  bytes.writeUInt32LE(2, 68)
  bytes.writeUInt32LE(3, 3 * 512)
  bytes.writeUInt32LE(0xfffffffe, 4 * 512 + (14_000 % 128) * 4)
  expect(await refused(bytes, ['doc', 'xls'])).toEqual(['xls'])
})

test('a bomb in the content types is refused without unpacking it', async () => {
  const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024))
  for (const announced of [64 * 1024 * 1024, 100]) {
    const before = process.memoryUsage().rss
    const startedAt = performance.now()
    const problem = await refusal(makeZip64([{ name: CONTENT_TYPES, packed: bomb, size: announced }]), 'docx')
    expect(problem?.message).toBe('The file is a damaged ZIP archive, not DOCX')
    expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS)
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024)
  }
})

test('a zip with very many entries is looked at quickly', async () => {
  const entries = makeZip64(Array.from({ length: 100_000 }, (_, index) => ({ name: `a/${index}` })))
  const startedAt = performance.now()
  expect((await refusal(entries, 'docx'))?.message).toBe('The file is a ZIP archive, not DOCX')
  expect(performance.now() - startedAt).toBeLessThan(AT_ONCE_MS)
})

test('half-open tags cost no more than their length', async () => {
  const tags = ['<Override ', '<Override PartName="', '<', '<aaaa:', ' PartName=', "<Default Extension='"]
  for (const piece of [...tags, '<a', '<!-', ' ', '\n', 'office:mimetype ', 'office:mimetype=']) {
    const text = piece.repeat(Math.floor(4_000_000 / piece.length))
    const zip = makeZip({ [CONTENT_TYPES]: text, '_rels/.rels': text }, 0)
    const startedAt = performance.now()
    expect(await refusal(zip, 'docx')).toBeInstanceOf(Problem)
    expect(await refusal(Buffer.from(text), 'docx')).toBeInstanceOf(Problem)
    expect(performance.now() - startedAt, piece).toBeLessThan(AT_ONCE_MS)
  }
})

test('a large file costs a few reads, not its length', async () => {
  const text = memoryFile(Buffer.alloc(50_000_000, 'text '))
  await checkContent(text, 'txt', 'exact')
  const zip = memoryFile(makeZip({ padding: Buffer.alloc(20_000_000, 1), 'word/a': 'a' }, 0))
  await detectContent(zip)
  expect(text.bytesRead).toBeLessThan(300_000)
  expect(zip.bytesRead).toBeLessThan(300_000)
})

test('a file cut anywhere passes or is refused', async () => {
  const made = { docx: makeDocx(['a']), xlsx: makeXlsx([['a']]), pptx: makePptx(), xls: makeOle(['Book']) }
  for (const [extension, bytes] of Object.entries(made)) {
    expect(await refusal(bytes, extension)).toBeUndefined()
  }
  const real = samples.map(({ kind, name, extension }) => [extension, sample(kind, name)] as const)
  for (const [extension, bytes] of [...Object.entries(made), ...real]) {
    for (let eighth = 0; eighth < 8; eighth += 1) {
      const problem = await refusal(bytes.subarray(0, Math.floor((bytes.length * eighth) / 8)), extension)
      // The directory of a zip stands at its end; that of an OLE file may be whole.
      if (bytes[0] === 0x50) expect(problem, `${extension} ${eighth}/8`).toBeInstanceOf(Problem)
    }
  }
})

test('a file of one byte is text or nothing', async () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const passing = await refusal(Buffer.from([byte]), 'txt')
    expect(passing === undefined, `byte ${byte}`).toBe(byte !== 0)
    expect(await refusal(Buffer.from([byte]), 'docx')).toBeInstanceOf(Problem)
  }
})

test('damaged bytes and headers never lead to another error', async () => {
  const originals = [
    makeDocx(['a']),
    makeOdf('application/vnd.oasis.opendocument.text'),
    makeOle(['Workbook']),
    makeZip64([{ name: 'mimetype', packed: Buffer.from('x') }]),
  ]
  const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...originals), damage, async (original, changes) => {
      const bytes = Buffer.from(original)
      for (const [place, value] of changes) bytes[place % bytes.length] = value
      await refusal(bytes, 'docx')
    }),
    { seed: 20_260_329, numRuns: 3000 },
  )
})

test('any bytes behind a known signature never lead to another error', async () => {
  const signatures = ['504b0304', '504b0506', 'd0cf11e0a1b11ae1', '1f8b08', '25504446', 'fffe', '0904']
  const bytes = fc.tuple(fc.constantFrom(...signatures), fc.uint8Array({ maxLength: 2048 }))
  await fc.assert(
    fc.asyncProperty(bytes, async ([signature, rest]) => {
      const file = Buffer.concat([Buffer.from(signature, 'hex'), rest])
      expect(await refused(file, ['docx', 'odt', 'pptx'])).toHaveLength(3)
    }),
    { seed: 20_260_329, numRuns: 1000 },
  )
})

test('a fault of the storage is not blamed on the file', async () => {
  const docx = makeDocx(['a'])
  for (const failingRead of [1, 2, 3]) {
    let reads = 0
    const failing: RandomAccess = {
      size: docx.length,
      async read(offset, length) {
        reads += 1
        if (reads === failingRead) throw new Problem('blob-missing')
        return docx.subarray(offset, offset + length)
      },
    }
    const fault = await checkContent(failing, 'docx', 'exact').catch((error) => error)
    expect(isProblem(fault, 'blob-missing')).toBe(true)
  }
})

function sample(kind: string, name: string): Buffer {
  return readFileSync(new URL(`${kind}/${name}`, SAMPLES))
}

function extensionOf(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1)
}

/** The problem that the check ends in, undefined if it passes; any other error fails the test. */
async function refusal(
  bytes: Buffer,
  extension: string,
  strictness: 'exact' | 'family' = 'exact',
): Promise<Problem | undefined> {
  try {
    await checkContent(memoryFile(bytes), extension, strictness)
    return undefined
  } catch (error) {
    if (isProblem(error, 'content-mismatch')) return error
    throw error
  }
}

/** Those of the extensions that the bytes are refused under. */
async function refused(bytes: Buffer, extensions: string[]): Promise<string[]> {
  const results = await Promise.all(
    extensions.map(async (extension) => ((await refusal(bytes, extension)) ? [extension] : [])),
  )
  return results.flat()
}
