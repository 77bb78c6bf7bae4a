import { expect, test, vi } from 'vitest'
import { type Conversion, conversionMatrix, convert } from '../../src/core/conversions.ts'
import type { Converter } from '../../src/core/converter-port.ts'
import { HttpDocServer } from '../../src/docserver/client.ts'
import { createDocServerTokens } from '../../src/docserver/tokens.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { Problem } from '../../src/errors.ts'
import { LIBREOFFICE_PAIRS } from '../../src/libreoffice/pairs.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { openOffice, problemOf, searchPathOf, standIn, testDeps } from './support.ts'

/** Writes a PDF that tells who made it. */
const MAKES_PDF = `printf '%%PDF-1.7 by the stand-in of %s' "$(wc -c < "$IN")" > "$OUT"`
const docx = makeDocx(['The word is quokka'])

function order(version: Conversion['version'], target: string, url = 'http://127.0.0.1:1/none'): Conversion {
  return { version, title: 'Report', target, fileAddress: () => url }
}

/** The emulator, with our file served by itself. */
async function startDocServer(program: string | undefined) {
  const emulator = await startEmulator({
    timings: { downloadRetryMs: 5 },
    ...(program === undefined ? {} : { office: program }),
  })
  emulator.serveFile('/source', docx)
  const client = new HttpDocServer({
    addresses: { publicUrl: emulator.url, internalUrl: emulator.url, otherOrigins: [] },
    tokens: createDocServerTokens({ secret: emulator.secret }, () => new Date()),
    header: 'Authorization',
    commandTimeoutS: 5,
    stallS: 5,
  })
  return { emulator, client, url: `${emulator.url}/source`, [Symbol.asyncDispose]: () => emulator.close() }
}

test('Document Server fetches the file and its result is stored as a blob', async () => {
  await using program = await standIn(MAKES_PDF)
  await using server = await startDocServer(`${program.path}/soffice`)
  await using none = await openOffice({ searchPath: '/nowhere' })
  await using t = await testDeps({ docServer: server.client, converter: none.office })
  const version = await t.version(docx, 'docx')
  const asked: string[] = []
  const result = await convert(t.deps, {
    ...order(version, '.PDF'),
    fileAddress: (id) => {
      asked.push(id)
      return server.url
    },
  })
  expect(result.extension).toBe('pdf')
  expect((await t.read(result.sha256)).toString()).toBe(`%PDF-1.7 by the stand-in of ${docx.length}`)
  expect(asked).toEqual(['version-1'])
})

test('Document Server comes first, LibreOffice is not asked', async () => {
  await using program = await standIn(MAKES_PDF)
  await using server = await startDocServer(`${program.path}/soffice`)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  await using t = await testDeps({ docServer: server.client, converter: opened.office })
  const converting = vi.spyOn(opened.office, 'convert')
  await convert(t.deps, order(await t.version(docx, 'docx'), 'pdf', server.url))
  expect(converting).not.toHaveBeenCalled()
})

test('LibreOffice helps out when Document Server is down, refuses the token or cannot fetch the file', async () => {
  await using program = await standIn(MAKES_PDF)
  await using server = await startDocServer(`${program.path}/soffice`)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  const troubles: [string, () => void][] = [
    ['not healthy', () => server.emulator.faults.healthcheck({ kind: 'unhealthy' }, 1)],
    ['not able to fetch', () => {}],
    ['of another secret', () => (server.emulator.secret = 'another-secret-0123456789-0123456789')],
  ]
  for (const [name, makeTrouble] of troubles) {
    await using t = await testDeps({ docServer: server.client, converter: opened.office })
    const converting = vi.spyOn(opened.office, 'convert')
    makeTrouble()
    const result = await convert(t.deps, order(await t.version(docx, 'docx'), 'pdf'))
    expect([name, result.extension, converting.mock.calls.length]).toEqual([name, 'pdf', 1])
    converting.mockRestore()
  }
})

test('without LibreOffice the failure of Document Server is told', async () => {
  await using server = await startDocServer(undefined)
  await using none = await openOffice({ searchPath: '/nowhere' })
  await using t = await testDeps({ docServer: server.client, converter: none.office })
  const version = await t.version(docx, 'docx')
  const unreachable = await problemOf(convert(t.deps, order(version, 'txt')))
  expect([unreachable.code, unreachable.message]).toEqual([
    'document-server-failed',
    'Document Server could not download the file from this service',
  ])
})

test('a file that Document Server finds bad is not given to LibreOffice as well', async () => {
  await using program = await standIn(MAKES_PDF)
  await using server = await startDocServer(`${program.path}/soffice`)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  await using t = await testDeps({ docServer: server.client, converter: opened.office })
  const converting = vi.spyOn(opened.office, 'convert')
  server.emulator.faults.converterFails(true, 1)
  const version = await t.version(docx, 'docx')
  expect((await problemOf(convert(t.deps, order(version, 'pdf', server.url)))).code).toBe('conversion-failed')
  server.emulator.serveFile('/locked', Buffer.from('d0cf11e0a1b11ae1', 'hex'))
  const locked = await t.version(Buffer.from('d0cf11e0a1b11ae1', 'hex'), 'docx')
  const problem = await problemOf(convert(t.deps, order(locked, 'pdf', `${server.emulator.url}/locked`)))
  expect([problem.code, problem.message]).toEqual([
    'conversion-failed',
    'the file is protected by a password',
  ])
  expect(converting).not.toHaveBeenCalled()
})

test('the same content is converted once, also when asked twice at the same time', async () => {
  await using program = await standIn(MAKES_PDF)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  await using t = await testDeps({ converter: opened.office })
  const converting = vi.spyOn(opened.office, 'convert')
  const version = await t.version(docx, 'docx')
  const [one, two] = await Promise.all([
    convert(t.deps, order(version, 'pdf')),
    convert(t.deps, order(version, 'pdf')),
  ])
  const three = await convert(t.deps, order({ ...version, id: 'version-2' }, 'PDF'))
  expect([two, three]).toEqual([one, one])
  expect(converting).toHaveBeenCalledTimes(1)

  await t.deps.blobs.delete(one.sha256)
  expect(await convert(t.deps, order(version, 'pdf'))).toEqual(one)
  expect(converting).toHaveBeenCalledTimes(2)
  expect((await t.read(one.sha256)).length).toBe(one.size)
})

test('a failure is not remembered', async () => {
  await using program = await standIn(
    `if [ -e "$HOME/../../ready" ]; then ${MAKES_PDF}; else touch "$HOME/../../ready"; fi`,
  )
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  await using t = await testDeps({ converter: opened.office })
  const version = await t.version(docx, 'docx')
  expect((await problemOf(convert(t.deps, order(version, 'pdf')))).code).toBe('conversion-failed')
  expect((await convert(t.deps, order(version, 'pdf'))).extension).toBe('pdf')
})

test('the same format is the same blob, without any engine', async () => {
  await using none = await openOffice({ searchPath: '/nowhere' })
  await using t = await testDeps({ converter: none.office })
  const version = await t.version(docx, 'docx')
  const result = await convert(t.deps, order(version, 'DOCX'))
  expect(result).toEqual({ sha256: version.sha256, size: docx.length, extension: 'docx' })
  expect(docxParagraphs(await t.read(result.sha256))).toEqual(['The word is quokka'])
})

test.each([
  ['docx', 'xlsx'],
  ['docx', 'mp4'],
  ['docx', ''],
  ['docx', '__proto__'],
  ['zip', 'pdf'],
])('%s to "%s" is impossible, whatever is installed', async (from, to) => {
  await using none = await openOffice({ searchPath: '/nowhere' })
  await using t = await testDeps({ converter: none.office })
  const problem = await problemOf(convert(t.deps, order(await t.version(docx, from), to)))
  expect([problem.code, problem.status]).toEqual(['conversion-impossible', 422])
})

test.each([
  ['docx', 'pdf', /Document Server \(ONLYOFFICE_URL\) or LibreOffice/],
  ['md', 'docx', /needs a Document Server \(ONLYOFFICE_URL\)$/],
  ['csv', 'html', /needs LibreOffice/],
])('%s to %s without an engine names what to install', async (from, to, words) => {
  await using none = await openOffice({ searchPath: '/nowhere' })
  await using t = await testDeps({ converter: none.office })
  const problem = await problemOf(convert(t.deps, order(await t.version(docx, from), to)))
  expect([problem.code, problem.status]).toEqual(['conversion-unavailable', 501])
  expect(problem.message).toMatch(words)
})

test.each([
  ['an empty file', ': > "$OUT"', /empty/],
  ['a file of another type', 'printf "no pdf" > "$OUT"', /is no pdf/],
])('%s is not passed on as the result', async (_name, script, words) => {
  await using program = await standIn(script)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  await using t = await testDeps({ converter: opened.office })
  const problem = await problemOf(convert(t.deps, order(await t.version(docx, 'docx'), 'pdf')))
  expect(problem.code).toBe('conversion-failed')
  expect(problem.message).toMatch(words)
})

test('a result beyond the limit of files is a failed conversion', async () => {
  await using program = await standIn(MAKES_PDF)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  await using t = await testDeps({ converter: opened.office })
  const deps = { ...t.deps, config: { ...t.deps.config, MAX_FILE_BYTES: 10 } }
  const problem = await problemOf(convert(deps, order(await t.version(docx, 'docx'), 'pdf')))
  expect([problem.code, problem.message]).toEqual([
    'conversion-failed',
    'the converted file is larger than the limit',
  ])
})

test('a busy LibreOffice is told to the caller', async () => {
  const converter: Converter = {
    isInstalled: true,
    pairs: LIBREOFFICE_PAIRS,
    convert: () => Promise.reject(new Problem('conversion-busy', undefined, { retryAfterS: 15 })),
  }
  await using t = await testDeps({ converter })
  const problem = await problemOf(convert(t.deps, order(await t.version(docx, 'docx'), 'pdf')))
  expect([problem.code, problem.retryAfterS]).toEqual(['conversion-busy', 15])
})

test('the matrix lists what each engine converts and whether it is there', async () => {
  await using none = await openOffice({ searchPath: '/nowhere' })
  const matrix = conversionMatrix({ docServer: undefined, converter: none.office })
  expect([matrix.documentServer.isAvailable, matrix.libreOffice.isAvailable]).toEqual([false, false])
  expect(matrix.documentServer.pairs.md).toContain('docx')
  expect(matrix.libreOffice.pairs.docx).toEqual(['odt', 'rtf', 'txt', 'html', 'pdf'])
  expect(matrix.libreOffice.pairs).not.toHaveProperty('md')
})
