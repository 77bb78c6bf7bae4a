import { readdir, readFile } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { convert } from '../../src/core/conversions.ts'
import { isProblem } from '../../src/errors.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'
import { growPart } from './bombs.ts'
import {
  convertBytes,
  filesIn,
  hasLibreOffice,
  inTwos,
  LONGEST_S,
  openOffice,
  problemOf,
  processesWith,
  testDeps,
} from './support.ts'

const MIB = 1024 ** 2
/** What LibreOffice may have, and what the service may hold of files that it only passes on. */
const MOST = { officeBytes: 3 * 1024 * MIB, ownBytes: 64 * MIB }
const TIMEOUT_MS = 150_000
/** Almost all that 32 bits can say. */
const BOMB_BYTES = 3.9 * 1024 * MIB
/** No bomb yet for the check of the directory. */
const SHEET_BYTES = 500 * MIB
const CSV_BYTES = 200 * MIB

const hasOffice = await hasLibreOffice()

describe.skipIf(!hasOffice)(`too much to convert${hasOffice ? '' : ' (skipped: no LibreOffice)'}`, () => {
  test.each<[string, () => Buffer]>([
    ['docx', () => docxBomb(BOMB_BYTES)],
    ['xlsx', () => xlsxBomb(sheetRow('a'.repeat(100)), BOMB_BYTES)],
  ])(
    'a bomb of 4 GB (%s) is refused, not read as far as the memory goes',
    { timeout: TIMEOUT_MS },
    async (from, make) => {
      await using opened = await openOffice()
      const problem = await problemOf(convertBytes(opened.office, make(), { from, to: 'pdf' }))
      expect([problem.code, problem.status, problem.message]).toEqual([
        'conversion-failed',
        422,
        'LibreOffice could not read the file: unpacked, it is too large',
      ])
      expect(await filesIn(opened.folder)).toEqual([])
    },
  )

  test('an XLSX that unpacks to 500 MB and a CSV of 200 MB end in time and within the memory', {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using opened = await openOffice()
    await using t = await testDeps({ converter: opened.office })
    const put = (source: Iterable<Buffer>) =>
      t.deps.blobs.put(Readable.from(source), { maxBytes: 2 * CSV_BYTES })
    const cases = [
      { from: 'xlsx', to: 'pdf', blob: await put([xlsxBomb(sheetRow('a'.repeat(100)), SHEET_BYTES)]) },
      { from: 'csv', to: 'xlsx', blob: await put(csvRows()) },
    ]
    const ownBefore = ownMemory()
    let ownMost = 0
    let officeMost = 0
    const watch = setInterval(async () => {
      ownMost = Math.max(ownMost, ownMemory() - ownBefore)
      officeMost = Math.max(officeMost, await peakMemory(opened.folder))
    }, 100)
    await inTwos(cases, async ({ from, to, blob }) => {
      const startedAt = performance.now()
      await convert(t.deps, {
        version: { id: 'version-1', ...blob, file_type: from },
        title: 'Huge',
        target: to,
        fileAddress: () => '',
      }).catch((error: unknown) => {
        if (!isProblem(error, 'conversion-failed')) throw error
      })
      const tookS = (performance.now() - startedAt) / 1000
      expect(tookS, from).toBeLessThan(LONGEST_S)
    }).finally(() => clearInterval(watch))
    expect(officeMost).toBeGreaterThan(50 * MIB)
    expect(officeMost).toBeLessThan(MOST.officeBytes)
    expect(ownMost).toBeLessThan(MOST.ownBytes)
    expect(await processesWith(opened.folder)).toEqual([])
    expect(await filesIn(opened.folder)).toEqual([])
  })
})

function docxBomb(size: number): Buffer {
  const text = `<w:p><w:r><w:t>${'a'.repeat(900)}</w:t></w:r></w:p>`
  return growPart(makeDocx(['x']), {
    name: 'word/document.xml',
    mark: '<w:sectPr',
    text,
    size,
  })
}

function xlsxBomb(text: string, size: number): Buffer {
  return growPart(makeXlsx([['x']]), {
    name: 'xl/worksheets/sheet1.xml',
    mark: '</sheetData>',
    text,
    size,
  })
}

function sheetRow(cell: string): string {
  return `<row><c t="inlineStr"><is><t>${cell}</t></is></c></row>`
}

function* csvRows(): Generator<Buffer> {
  const rows = Buffer.from('name,amount,"quoted, text",2026-01-01\n'.repeat(27_000))
  for (let sent = 0; sent < CSV_BYTES; sent += rows.length) yield rows
}

function ownMemory(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** The most that any running process with this text in its command line has held, in bytes. */
async function peakMemory(text: string): Promise<number> {
  let most = 0
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (!command.includes(text)) continue
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    most = Math.max(most, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024)
  }
  return most
}
