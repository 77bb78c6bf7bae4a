import * as fs from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import type { Files } from '../../src/blobs/disk.ts'
import { startApp } from '../support/app.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'

const docx = makeDocx(['One'])
const LIMIT = 300_000
const app = await startApp({ env: { MAX_FILE_BYTES: String(LIMIT), UPLOAD_STALL_S: '1' } })
afterAll(() => app[Symbol.asyncDispose]())

/** Whatever becomes of an upload, nothing incomplete may be left of it. */
afterEach(async () => {
  await vi.waitFor(async () => expect(await fs.readdir(join(app.dataDir, 'tmp'))).toEqual([]))
})

const BOUNDARY = 'XboundaryX'
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`

function part(name: string, bytes: Buffer | string, fileName?: string): Buffer {
  const file = fileName === undefined ? '' : `; filename="${fileName}"`
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), Buffer.from(bytes), Buffer.from('\r\n')])
}

function multipart(...parts: Buffer[]): Buffer {
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)])
}

async function send(body: Buffer | Readable | undefined, type: string | null = TYPE) {
  const response = await app.fetch('/api/documents/upload', {
    method: 'POST',
    headers: type === null ? {} : { 'content-type': type },
    ...(body === undefined
      ? {}
      : Buffer.isBuffer(body)
        ? { body: new Uint8Array(body) }
        : { body: Readable.toWeb(body) as ReadableStream, duplex: 'half' as const }),
  })
  return {
    status: response.status,
    json: (await response.json()) as { id: string; code?: string; title: string },
  }
}

async function counts() {
  const documents = await app.deps.database.selectFrom('documents').select('id').execute()
  const blobs = await Array.fromAsync(app.deps.blobs.list())
  return { documents: documents.length, blobs: blobs.length }
}

test('an upload answers the document and keeps the bytes', async () => {
  const { status, json } = await send(multipart(part('file', docx, 'Report.DOCX')))
  expect(status).toBe(201)
  expect(json).toMatchObject({ title: 'Report', type: 'Docs', format: 'DOCX', fileSize: docx.length })
  expect(await app.download(json.id)).toEqual(docx)
})

test('an upload without Content-Length, in small pieces and with other fields around it, arrives', async () => {
  const bytes = multipart(part('note', 'x'), part('file', docx, 'a.docx'), part('after', 'y'))
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += 100) yield bytes.subarray(at, at + 100)
  }
  const { status, json } = await send(Readable.from(pieces()))
  expect(status).toBe(201)
  expect(await app.download(json.id)).toEqual(docx)
})

test('only the first file counts', async () => {
  const { json } = await send(multipart(part('file', 'one', '1.txt'), part('file', 'two', '2.txt')))
  expect(json.title).toBe('1')
  expect((await app.download(json.id)).toString()).toBe('one')
})

const large = Buffer.from('0123456789\n'.repeat(LIMIT / 10))

test('a file over the limit is refused with 413, one at the limit is stored', async () => {
  const before = await counts()
  const over = await send(multipart(part('file', large.subarray(0, LIMIT + 1), 'a.txt')))
  expect([over.status, over.json.code]).toEqual([413, 'upload-too-large'])
  expect(await counts()).toEqual(before)
  expect((await send(multipart(part('file', large.subarray(0, LIMIT), 'a.txt')))).status).toBe(201)
})

test.each([
  ['an unknown extension', 'tool.exe', 'MZ', 415],
  ['no extension', 'README', 'hello', 415],
  ['a name that is all extension', '.docx', 'hello', 415],
  ['an image', 'a.png', 'hello', 415],
  ['a workbook named as a document', 'a.docx', makeXlsx([['1']]), 400],
  ['a text named as a document', 'a.docx', 'hello', 400],
  ['a document named as a text', 'a.txt', docx, 400],
  ['half a document', 'a.docx', docx.subarray(0, docx.length / 2), 400],
  ['an empty document', 'a.docx', '', 400],
])('%s is refused', async (_name, fileName, bytes, status) => {
  const before = await counts()
  const answer = await send(multipart(part('file', bytes, fileName)))
  expect(answer.status).toBe(status)
  expect(await counts()).toEqual(before)
})

test('an empty text is a text', async () => {
  const { status, json } = await send(multipart(part('file', '', 'empty.txt')))
  expect(status).toBe(201)
  const download = await app.fetch(`/api/documents/${json.id}/download`)
  expect([download.status, download.headers.get('content-length'), await download.text()]).toEqual([
    200,
    '0',
    '',
  ])
})

const whole = multipart(part('file', docx, 'a.docx'))
test.each<[string, Buffer | undefined, string | null, number]>([
  ['a body that ends inside the file', whole.subarray(0, whole.length - 50), TYPE, 400],
  ["a body that ends inside the part's headers", whole.subarray(0, 40), TYPE, 400],
  ['an empty body', Buffer.alloc(0), TYPE, 400],
  ['no boundary', whole, 'multipart/form-data; charset=utf-8', 400],
  ['another boundary', whole, 'multipart/form-data; boundary=other', 400],
  ['an empty boundary', whole, 'multipart/form-data; boundary=', 400],
  ['no file', multipart(part('other', 'hello')), TYPE, 400],
  ['the file in another field', multipart(part('document', docx, 'a.docx')), TYPE, 400],
  ['no multipart at all', docx, 'application/octet-stream', 415],
  ['JSON', Buffer.from('{}'), 'application/json', 415],
  ['multipart of another kind', whole, `multipart/mixed; boundary=${BOUNDARY}`, 415],
])('%s is refused with a clear answer', async (_name, body, type, status) => {
  const before = await counts()
  const answer = await send(body, type)
  expect(answer.status).toBe(status)
  expect(answer.json.code).toMatch(status === 415 ? /^media-type-unsupported$/ : /^upload-malformed$/)
  expect(await counts()).toEqual(before)
})

/** The head of an upload of `length` bytes over a bare socket, to break it off at will. */
function openUpload(length: number) {
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(
    `POST /api/documents/upload HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${app.token}\r\n` +
      `Content-Type: ${TYPE}\r\nContent-Length: ${length}\r\n\r\n`,
  )
  return socket
}

test('a client that goes away midway leaves nothing', async () => {
  const before = await counts()
  const body = multipart(part('file', large.subarray(0, LIMIT), 'a.txt'))
  const socket = openUpload(body.length)
  socket.write(body.subarray(0, 150_000))
  await vi.waitFor(async () => expect(await fs.readdir(join(app.dataDir, 'tmp'))).toHaveLength(1))
  socket.destroy()
  await vi.waitFor(async () => expect(await fs.readdir(join(app.dataDir, 'tmp'))).toEqual([]))
  expect(await counts()).toEqual(before)
})

test('an upload that stops arriving is ended with 408', async () => {
  const before = await counts()
  const body = multipart(part('file', large.subarray(0, LIMIT), 'a.txt'))
  const socket = openUpload(body.length)
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write(body.subarray(0, 150_000))
  const started = performance.now()
  await new Promise((resolve) => socket.once('close', resolve))
  expect(performance.now() - started).toBeGreaterThan(900)
  expect(performance.now() - started).toBeLessThan(20_000)
  expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  expect(answer).toContain('upload-stalled')
  expect(await counts()).toEqual(before)
})

test('an upload may take longer than the stall limit while it makes progress', async () => {
  const body = multipart(part('file', 'abcdef', 'slow.txt'))
  async function* drops() {
    const step = Math.ceil(body.length / 6)
    for (let at = 0; at < body.length; at += step) {
      yield body.subarray(at, at + step)
      await delay(300)
    }
  }
  const started = performance.now()
  expect((await send(Readable.from(drops()))).status).toBe(201)
  expect(performance.now() - started).toBeGreaterThan(1500)
})

test('a refused upload is answered before the rest of it arrives', async () => {
  const socket = openUpload(1_000_000_000)
  socket.write(part('file', 'MZ', 'tool.exe'))
  const answer = await new Promise<string>((resolve) =>
    socket.once('data', (chunk) => resolve(String(chunk))),
  )
  expect(answer).toMatch(/^HTTP\/1\.1 415 /)
  socket.destroy()
})

test('an upload that has arrived whole is not called stalled while the disk is slow', async () => {
  const slowDisk: Files = {
    ...fs,
    open: async (path, flags, mode) => {
      const handle = await fs.open(path, flags, mode)
      const sync = handle.sync.bind(handle)
      if (path.includes('/tmp/')) handle.sync = () => delay(1500).then(sync)
      return handle
    },
  }
  await using own = await startApp({ env: { UPLOAD_STALL_S: '1' }, overrides: { files: slowDisk } })
  expect(await own.upload('a.docx', docx)).toEqual(expect.any(String))
})
