import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { convert } from '../../src/core/conversions.ts'
import { isProblem } from '../../src/errors.ts'
import {
  filesIn,
  hasLibreOffice,
  inTwos,
  LONGEST_S,
  openOffice,
  pdfPages,
  problemOf,
  processesWith,
  testDeps,
} from './support.ts'

const SAMPLES = new URL('../../../shared/samples', import.meta.url).pathname
/** The good ones, more than half of all, only with ALL_SAMPLES=1. */
const FOLDERS = ['hostile', 'legacy', ...(process.env.ALL_SAMPLES === '1' ? ['good'] : [])]
const TIMEOUT_MS = 300_000
/** They need a password, or are so broken that what LibreOffice would make of them is nonsense. */
const REFUSED = [
  'PasswordProtected.doc',
  'Password_Protected-hello.ppt',
  'bug53475-password-is-pass.docx',
  'clusterfuzz-testcase-minimized-POIHSSFFuzzer-4819588401201152.xls',
  'clusterfuzz-testcase-minimized-POIHSSFFuzzer-5786329142919168.xls',
  'clusterfuzz-testcase-minimized-POIHSSFFuzzer-6483562584932352.xls',
  'clusterfuzz-testcase-minimized-POIXSLFFuzzer-5471515212382208.pptx',
  'clusterfuzz-testcase-minimized-POIXWPFFuzzer-5564805011079168.docx',
  'clusterfuzz-testcase-minimized-XLSX2CSVFuzzer-5025401116950528.xlsx',
  'crash-274d6342e4842d61be0fb48eaadad6208ae767ae.xlsx',
  'password.xls',
  'protected_sha512.xlsx',
]

const hasOffice = await hasLibreOffice()
const hasSamples = existsSync(SAMPLES)
const why = hasOffice ? (hasSamples ? '' : ' (skipped: no samples)') : ' (skipped: no LibreOffice)'

describe.skipIf(!hasOffice || !hasSamples)(`real samples to PDF${why}`, () => {
  const samples = (hasSamples ? FOLDERS : []).flatMap((folder) =>
    readdirSync(join(SAMPLES, folder)).map((name) => ({ folder, name, from: extname(name).slice(1) })),
  )

  test('each becomes a PDF with pages, or is refused in time and clearly; only hostile ones are', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using opened = await openOffice()
    await using t = await testDeps({ converter: opened.office })
    const refused: string[] = []
    const readable = samples.filter(({ from }) => from !== 'xps')
    expect(new Set(readable.map(({ folder }) => folder)).size).toBe(FOLDERS.length)
    await inTwos(readable, async ({ folder, name, from }) => {
      const version = await t.version(await readFile(join(SAMPLES, folder, name)), from)
      const startedAt = performance.now()
      const result = await convert(t.deps, toPdf(version)).catch((error: unknown) => {
        if (!isProblem(error, 'conversion-failed')) throw error
        return error
      })
      expect((performance.now() - startedAt) / 1000, name).toBeLessThan(LONGEST_S)
      if (isProblem(result)) {
        expect([name, result.status, result.message]).toEqual([name, 422, expect.stringMatching(/read/)])
        refused.push(`${folder}/${name}`)
      } else {
        expect(await pdfPages(await t.read(result.sha256)), name).toBeGreaterThan(0)
      }
    })
    expect(refused.filter((name) => !name.startsWith('hostile/'))).toEqual([])
    expect(refused).toEqual(expect.arrayContaining(REFUSED.map((name) => `hostile/${name}`)))
    expect(await processesWith(opened.folder)).toEqual([])
    expect(await filesIn(opened.folder)).toEqual([])
  })

  test('XPS, which LibreOffice cannot read, says what it needs', async () => {
    await using opened = await openOffice()
    await using t = await testDeps({ converter: opened.office })
    const version = await t.version(await readFile(join(SAMPLES, 'good/testPPT.xps')), 'xps')
    const problem = await problemOf(convert(t.deps, toPdf(version)))
    expect([problem.code, problem.message]).toEqual([
      'conversion-unavailable',
      'xps to pdf needs a Document Server (ONLYOFFICE_URL)',
    ])
  })
})

function toPdf(version: Parameters<typeof convert>[1]['version']) {
  return { version, title: 'Sample', target: 'pdf', fileAddress: () => '' }
}
