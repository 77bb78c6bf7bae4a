import { mkdir, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import {
  convertBytes,
  filesIn,
  openOffice,
  problemOf,
  processesWith,
  searchPathOf,
  standIn,
} from './support.ts'

const DOCX_TO_PDF = { from: 'docx', to: 'pdf' }
const bytes = Buffer.from('the source')

test('a LibreOffice that hangs is stopped after the limit, with its children, and leaves nothing', async () => {
  // The mark finds the grandchild among all processes.
  const mark = `${Date.now()}.4711`
  await using program = await standIn(`sleep ${mark} & sleep ${mark}`)
  await using opened = await openOffice({ searchPath: searchPathOf(program), limits: { timeLimitS: 0.5 } })
  const converting = problemOf(convertBytes(opened.office, bytes, DOCX_TO_PDF))
  await expect.poll(() => processesWith(`sleep\0${mark}`)).toHaveLength(2)
  const problem = await converting
  expect([problem.code, problem.message]).toEqual([
    'conversion-failed',
    'LibreOffice was stopped after 0.5 s',
  ])
  await expect.poll(() => processesWith(`sleep\0${mark}`)).toEqual([])
  expect(await filesIn(opened.folder)).toEqual([])
})

test('a child that outlives LibreOffice is ended too', async () => {
  const mark = `${Date.now()}.4712`
  await using program = await standIn(`sleep ${mark} & cp "$IN" "$OUT"`)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  expect(await convertBytes(opened.office, bytes, DOCX_TO_PDF)).toEqual(bytes)
  await expect.poll(() => processesWith(`sleep\0${mark}`)).toEqual([])
})

test.each([
  ['ends with 0 and without a file', 'exit 0'],
  ['ends with 1', 'exit 1'],
  ['crashes', 'kill -SEGV $$'],
])('a LibreOffice that %s is a failed conversion', async (_name, script) => {
  await using program = await standIn(script)
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  const problem = await problemOf(convertBytes(opened.office, bytes, DOCX_TO_PDF))
  expect(problem.code).toBe('conversion-failed')
  expect(await filesIn(opened.folder)).toEqual([])
})

test('a LibreOffice that wants more memory than it may have fails', async () => {
  await using program = await standIn('dd if=/dev/zero of=/dev/null bs=400M count=1 && cp "$IN" "$OUT"')
  const withMemory = (memoryBytes: number) =>
    openOffice({ searchPath: searchPathOf(program), limits: { memoryBytes } })
  await using enough = await withMemory(1024 ** 3)
  expect(await convertBytes(enough.office, bytes, DOCX_TO_PDF)).toEqual(bytes)
  await using little = await withMemory(100 * 1024 ** 2)
  expect((await problemOf(convertBytes(little.office, bytes, DOCX_TO_PDF))).code).toBe('conversion-failed')
})

test('a file that grows beyond the limit is cut off by the system', async () => {
  await using program = await standIn('cat /dev/zero > "$DIR/other"; [ $? = 0 ] && cp "$IN" "$OUT"')
  await using opened = await openOffice({
    searchPath: searchPathOf(program),
    limits: { fileBytes: 1024 ** 2 },
  })
  expect((await problemOf(convertBytes(opened.office, bytes, DOCX_TO_PDF))).code).toBe('conversion-failed')
  expect(await filesIn(opened.folder)).toEqual([])
})

test('two run at once, twenty wait, and one more is told to come again', async () => {
  await using program = await standIn('while [ ! -e "$HOME/../go" ]; do sleep 0.02; done; cp "$IN" "$OUT"')
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  const all = Array.from({ length: 22 }, () => convertBytes(opened.office, bytes, DOCX_TO_PDF))
  await expect.poll(() => filesIn(opened.folder)).toHaveLength(2)
  const busy = await problemOf(convertBytes(opened.office, bytes, DOCX_TO_PDF))
  expect([busy.code, busy.status, busy.retryAfterS]).toEqual(['conversion-busy', 503, 15])
  expect(await filesIn(opened.folder)).toHaveLength(2)
  await writeFile(`${opened.folder}/go`, '')
  expect(await Promise.all(all)).toEqual(Array.from({ length: 22 }, () => bytes))
  await rm(`${opened.folder}/go`)
  expect(await filesIn(opened.folder)).toEqual([])
})

test('it sees none of our environment, and gets its source under its real extension', async () => {
  process.env.CONVERSION_TEST_SECRET = 'tell-nobody'
  try {
    await using program = await standIn('{ env; echo "IN $IN"; } > "$OUT"')
    await using opened = await openOffice({ searchPath: searchPathOf(program) })
    const seen = (await convertBytes(opened.office, bytes, { from: 'odt', to: 'txt' })).toString()
    expect(seen).toMatch(/^IN .*\/source\.odt$/m)
    expect(seen).toContain(`HOME=${opened.folder}`)
    expect(seen).not.toContain('tell-nobody')
  } finally {
    delete process.env.CONVERSION_TEST_SECRET
  }
})

test('closing ends what runs and what waits', async () => {
  await using program = await standIn('sleep 60')
  await using opened = await openOffice({ searchPath: searchPathOf(program) })
  const all = Array.from({ length: 4 }, () => problemOf(convertBytes(opened.office, bytes, DOCX_TO_PDF)))
  await expect.poll(() => filesIn(opened.folder)).toHaveLength(2)
  await sleep(50)
  await opened.office.close()
  for (const problem of await Promise.all(all)) expect(problem.code).toBe('shutting-down')
  expect(await filesIn(opened.folder)).toEqual([])
})

test('what an earlier process left is removed at the start', async () => {
  await using first = await openOffice()
  await mkdir(`${first.folder}/conversion-old`, { recursive: true })
  await writeFile(`${first.folder}/conversion-old/source.docx`, 'old')
  await using _second = await openOffice({ folder: first.folder })
  expect(await filesIn(first.folder)).toEqual([])
})

test('without LibreOffice it says so', async () => {
  await using opened = await openOffice({ searchPath: '/nowhere' })
  expect(opened.office.isInstalled).toBe(false)
  expect((await problemOf(convertBytes(opened.office, bytes, DOCX_TO_PDF))).code).toBe(
    'conversion-unavailable',
  )
})
