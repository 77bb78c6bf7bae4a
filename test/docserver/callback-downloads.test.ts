import { afterAll, afterEach, expect, test } from 'vitest'
import type { FileFault } from '../../src/emulator/faults.ts'
import { docxParagraphs, makeDocx, makeXlsx } from '../support/files.ts'
import { countedFile, openedDocx, type Pair, postCallback, startPair, temporaryFiles } from './support.ts'

const edited = makeDocx(['Edited'])
const env = { DOWNLOAD_STALL_S: '1', MAX_FILE_BYTES: '5000000', DOWNLOAD_RETRY_S: '0' }

// One service for the whole file: each test works on documents of its own.
const pair = await startPair({ env })
afterAll(() => pair[Symbol.asyncDispose]())
afterEach(() => pair.docServer.faults.clear())

/** A final save whose file has this address; nothing of it may be left when it is refused. */
async function saveFrom({ app }: Pair, url: string, expected: number) {
  const { key, id, bytes } = await openedDocx(app)
  const blobs = await Array.fromAsync(app.deps.blobs.list())
  const answer = await postCallback(app, { key, status: 2, url, filetype: 'docx', users: ['ann'] })
  expect([answer.status, answer.body]).toEqual([expected, '{"error":0}'])
  if (expected === 200) return id
  expect(await app.versions(id)).toHaveLength(1)
  expect(await app.download(id)).toEqual(bytes)
  expect((await app.config(id)).document.key).toBe(key)
  expect(await temporaryFiles(app)).toEqual([])
  expect(await Array.fromAsync(app.deps.blobs.list())).toHaveLength(blobs.length)
  return id
}

test.each<[string, FileFault]>([
  ['is cut short', { kind: 'truncate' }],
  ['stalls after its first bytes', { kind: 'stall', bytes: 10 }],
  ['stalls before its first byte', { kind: 'stall' }],
  ['never ends', { kind: 'endless' }],
  ['is shorter than announced', { kind: 'wrongLength', by: 10 }],
  ['is longer than announced', { kind: 'wrongLength', by: -10 }],
  ['is a gzip bomb', { kind: 'gzipBomb', unpackedBytes: 50_000_000 }],
  ['is empty', { kind: 'empty' }],
  ['is of another family', { kind: 'bytes', bytes: makeXlsx([['1']]) }],
  ['is an error page', { kind: 'bytes', bytes: Buffer.from('<html>Not found</html>') }],
  ['is a damaged archive', { kind: 'bytes', bytes: edited.subarray(0, 200) }],
  ['is redirected to itself', { kind: 'redirect' }],
  ['is redirected elsewhere', { kind: 'redirect', location: 'http://127.0.0.1:1/' }],
  ['answers 403', { kind: 'status', status: 403 }],
  ['answers 404', { kind: 'status', status: 404 }],
  ['answers 410', { kind: 'status', status: 410 }],
  ['answers 500', { kind: 'status', status: 500 }],
  ['answers 204', { kind: 'status', status: 204 }],
])('a save whose file %s answers 503 and leaves nothing behind', async (_name, fault) => {
  pair.docServer.faults.files(fault, Number.POSITIVE_INFINITY)
  await saveFrom(pair, countedFile(pair.docServer, edited).url, 503)
})

test.each([
  ['a foreign host', 'https://evil.example/output.docx'],
  ['the metadata service of a cloud', 'http://169.254.169.254/latest/meta-data'],
  ['a file', 'file:///etc/passwd'],
  ['nonsense', 'http://['],
])('a save whose file is at %s answers 503 and is not fetched', async (_name, url) => {
  await saveFrom(pair, url, 503)
})

test('our own address is not Document Server: a save cannot be fetched from it', async () => {
  const own = await openedDocx(pair.app, 'own.docx')
  const { key } = await openedDocx(pair.app)
  const answer = await postCallback(pair.app, { key, status: 2, url: own.fileUrl, filetype: 'docx' })
  expect(answer.status).toBe(503)
})

test('what would only repeat itself is asked for once', async () => {
  await using pair = await startPair({ env: { ...env, DOWNLOAD_RETRY_S: '5' } })
  const { app, docServer } = pair
  for (const fault of [
    { kind: 'redirect' },
    { kind: 'status', status: 404 },
    { kind: 'bytes', bytes: Buffer.from('x') },
  ] satisfies FileFault[]) {
    docServer.faults.clear()
    docServer.faults.files(fault, Number.POSITIVE_INFINITY)
    const file = countedFile(docServer, edited)
    const { key } = await openedDocx(app)
    expect((await postCallback(app, { key, status: 2, url: file.url, filetype: 'docx' })).status).toBe(503)
    expect(file.fetched).toBe(1)
  }
})

test.each<[string, FileFault]>([
  ['a 500', { kind: 'status', status: 500 }],
  ['a truncation', { kind: 'truncate' }],
  ['a stall', { kind: 'stall', bytes: 5 }],
])('after %s the download is tried again within the request', async (_name, fault) => {
  await using pair = await startPair({ env: { ...env, DOWNLOAD_RETRY_S: '10' } })
  pair.docServer.faults.files(fault, 1)
  const file = countedFile(pair.docServer, edited)
  const id = await saveFrom(pair, file.url, 200)
  expect(file.fetched).toBe(2)
  expect(docxParagraphs(await pair.app.download(id))).toEqual(['Edited'])
})

test('a slow download that makes progress is waited for beyond the stall limit', async () => {
  pair.docServer.faults.files({ kind: 'slow', bytesPerSecond: Math.ceil(edited.length / 2) })
  const started = performance.now()
  const id = await saveFrom(pair, countedFile(pair.docServer, edited).url, 200)
  expect(performance.now() - started).toBeGreaterThan(1200)
  expect(docxParagraphs(await pair.app.download(id))).toEqual(['Edited'])
})

test('a file one byte over the limit is refused, at the limit it is stored', async () => {
  const bytes = makeDocx(['x'.repeat(20)])
  const big = makeDocx(Array.from({ length: 50 }, () => crypto.randomUUID()))
  await using pair = await startPair({ env: { ...env, MAX_FILE_BYTES: String(big.length) } })
  expect(bytes.length).toBeLessThan(big.length)
  await saveFrom(pair, countedFile(pair.docServer, big).url, 200)
  await using small = await startPair({ env: { ...env, MAX_FILE_BYTES: String(big.length - 1) } })
  await saveFrom(small, countedFile(small.docServer, big).url, 503)
})

test('a refused save is told to the pages and stands in the status as a save at risk, until one succeeds', async () => {
  await using own = await startPair({ env })
  const { app, docServer } = own
  const { key, id } = await openedDocx(app)
  const told: string[] = []
  app.deps.events.subscribe(id, (event) => {
    // Soon after the start, when other nodes are heard at last, how it stands is told once more.
    if (event.type === 'save-state' && event.state !== told.at(-1)) told.push(event.state)
  })
  const atRisk = async () => {
    const response = await app.fetch('/api/onlyoffice/status', { as: 'tests-admin-token-0123456789' })
    return (await response.json()) as { savesAtRisk: number; saves: { key: string; error: string }[] }
  }
  docServer.faults.files({ kind: 'status', status: 404 })
  const file = countedFile(docServer, edited)
  await postCallback(app, { key, status: 2, url: file.url, filetype: 'docx', users: ['ann'] })
  expect(await atRisk()).toMatchObject({ savesAtRisk: 1, saves: [{ key, error: 'download-refused' }] })
  await postCallback(app, { key, status: 2, url: file.url, filetype: 'docx', users: ['ann'] })
  expect(await atRisk()).toMatchObject({ savesAtRisk: 0, saves: [] })
  expect(told).toEqual(['saving', 'not-saved', 'saving', 'saved'])
})
