import jwt from 'jsonwebtoken'
import { request } from 'undici'
import { afterAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, openAs } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { openedDocx, sign, startPair } from './support.ts'

// One service for the whole file: each test works on documents of its own.
const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())

const get = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(url, { method, headers })
const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

test('Document Server gets the whole file with type, length, name and validator', async () => {
  const { bytes, fileUrl } = await openedDocx(pair.app)

  const response = await get(fileUrl)

  expect(response.status).toBe(200)
  expect(await bytesOf(response)).toEqual(bytes)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-length': String(bytes.length),
    'content-type': 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'content-disposition': expect.stringMatching(/^attachment; filename="?report\.docx"?$/),
    'accept-ranges': 'bytes',
    etag: expect.stringMatching(/^"[0-9a-f]{64}"$/),
    'x-content-type-options': 'nosniff',
  })
})

test('HEAD answers what GET would, without the bytes', async () => {
  const { bytes, fileUrl } = await openedDocx(pair.app)
  const response = await get(fileUrl, {}, 'HEAD')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-length')).toBe(String(bytes.length))
  expect(response.headers.get('etag')).toMatch(/^"/)
  expect((await bytesOf(response)).length).toBe(0)
})

test('a Range on HEAD is ignored, as only GET has ranges (RFC 9110 §14.2)', async () => {
  const { bytes, fileUrl } = await openedDocx(pair.app)
  const response = await get(fileUrl, { range: 'bytes=0-3' }, 'HEAD')
  expect(response.status).toBe(200)
  expect(response.headers.get('content-length')).toBe(String(bytes.length))
})

test('ranges: first bytes, from an offset, the last bytes, past the end', async () => {
  const { bytes, fileUrl } = await openedDocx(pair.app)
  const size = bytes.length
  const cases: [string, number, number][] = [
    ['bytes=0-9', 0, 10],
    ['bytes=10-', 10, size],
    ['bytes=-7', size - 7, size],
    [`bytes=-${size * 2}`, 0, size],
    [`bytes=${size - 1}-${size + 500}`, size - 1, size],
  ]
  for (const [range, start, end] of cases) {
    const response = await get(fileUrl, { range })
    expect([range, response.status]).toEqual([range, 206])
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end - 1}/${size}`)
    expect(response.headers.get('content-length')).toBe(String(end - start))
    expect(await bytesOf(response)).toEqual(bytes.subarray(start, end))
  }
})

test('several ranges, a malformed one and an unknown unit are answered with the whole file', async () => {
  const { bytes, fileUrl } = await openedDocx(pair.app)
  for (const range of ['bytes=0-1,5-6', 'bytes=a-b', 'bytes 0-1', 'lines=0-1']) {
    const response = await get(fileUrl, { range })
    expect([range, response.status]).toEqual([range, 200])
    expect(await bytesOf(response)).toEqual(bytes)
  }
})

test('a range outside the file answers 416 with the length', async () => {
  const { bytes, fileUrl } = await openedDocx(pair.app)
  for (const range of [
    `bytes=${bytes.length}-`,
    `bytes=${bytes.length + 10}-${bytes.length + 20}`,
    'bytes=-0',
  ]) {
    const response = await get(fileUrl, { range })
    expect([range, response.status]).toEqual([range, 416])
    expect(response.headers.get('content-range')).toBe(`bytes */${bytes.length}`)
    expect(response.headers.get('content-disposition')).toBeNull()
  }
})

test('If-Range: a match gives the part, anything else the whole file', async () => {
  const { bytes, fileUrl } = await openedDocx(pair.app)
  const etag = (await get(fileUrl, {}, 'HEAD')).headers.get('etag') ?? ''
  const range = 'bytes=0-3'
  const match = await get(fileUrl, { range, 'if-range': etag })
  expect([match.status, await bytesOf(match)]).toEqual([206, bytes.subarray(0, 4)])
  for (const other of ['"other"', `W/${etag}`, new Date().toUTCString()]) {
    const response = await get(fileUrl, { range, 'if-range': other })
    expect([other, response.status]).toEqual([other, 200])
    expect(await bytesOf(response)).toEqual(bytes)
  }
})

test('a known ETag answers 304 without bytes, another one 200', async () => {
  const { fileUrl } = await openedDocx(pair.app)
  const etag = (await get(fileUrl, {}, 'HEAD')).headers.get('etag') ?? ''
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    for (const method of ['GET', 'HEAD'] as const) {
      const { statusCode, headers, body } = await request(fileUrl, {
        method,
        headers: { 'if-none-match': known },
      })
      expect([known, method, statusCode]).toEqual([known, method, 304])
      expect(headers.etag).toBe(etag)
      expect((await body.bytes()).length).toBe(0)
    }
  }
  const other = await request(fileUrl, { headers: { 'if-none-match': '"other"' } })
  expect(other.statusCode).toBe(200)
  await other.body.dump()
})

test('a known ETag answers 304 to fetch() too, which adds Cache-Control: no-cache', async () => {
  const { fileUrl } = await openedDocx(pair.app)
  const etag = (await get(fileUrl, {}, 'HEAD')).headers.get('etag') ?? ''
  expect((await get(fileUrl, { 'if-none-match': etag })).status).toBe(304)
})

test('a file address goes on naming its own version after the head has moved', async () => {
  const { app, docServer } = pair
  const { id, bytes, fileUrl } = await openedDocx(app)
  const editor = await openAs(app, docServer, id)
  editor.type(0, 'Changed')
  await editor.close()
  await docServer.settled()
  const newUrl = (await app.config(id)).document.url

  expect(await bytesOf(await get(fileUrl))).toEqual(bytes)
  expect(await bytesOf(await get(newUrl))).toEqual(await app.download(id))
  expect(await app.download(id)).not.toEqual(bytes)
})

test('a file address is good for 31 days and no longer', async () => {
  const clock = testClock()
  await using pair = await startPair({ clock: clock.now })
  const { fileUrl } = await openedDocx(pair.app)
  clock.pass(31 * 86_400 - 60)
  expect((await get(fileUrl)).status).toBe(200)
  clock.pass(120)
  const response = await get(fileUrl)
  expect(response.status).toBe(403)
  expect(await response.json()).toMatchObject({ error: 'FILE_TOKEN_INVALID' })
})

test('a file token opens no other document', async () => {
  const one = await openedDocx(pair.app, 'one.docx')
  const two = await openedDocx(pair.app, 'two.docx')
  const crossed = one.fileUrl.replace(one.id, two.id)
  const response = await get(crossed)
  expect(response.status).toBe(404)
  expect((await response.text()).includes('PK')).toBe(false)
})

test('a missing, tampered or foreign token is refused with 403', async () => {
  const { app } = pair
  const { fileUrl, config } = await openedDocx(app)
  const url = new URL(fileUrl)
  const token = url.searchParams.get('t') ?? ''
  const [header, payload, signature] = token.split('.')
  const claims = jwt.decode(token) as jwt.JwtPayload
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
  const bad = {
    missing: undefined,
    empty: '',
    tampered: `${header}.${Buffer.from(JSON.stringify({ ...claims, part: 'changes' })).toString('base64url')}.${signature}`,
    unsigned: `${none}.${payload}.`,
    'signed with the secret of Document Server': sign(claims),
    "the config's token": config.token,
    'an API bearer': app.token,
    'the admin token': ADMIN_TOKEN,
  }
  for (const [name, t] of Object.entries(bad)) {
    const response = await get(
      `${url.origin}${url.pathname}${t === undefined ? '' : `?t=${encodeURIComponent(t)}`}`,
    )
    expect([name, response.status]).toEqual([name, 403])
  }
  const byHeader = await get(`${url.origin}${url.pathname}`, { authorization: `Bearer ${app.token}` })
  expect(byHeader.status).toBe(403)
  const doubled = await get(`${fileUrl}&t=${token}`)
  expect(doubled.status).toBe(403)
})

test('a file token is no bearer of the API', async () => {
  const { fileUrl, id } = await openedDocx(pair.app)
  const token = new URL(fileUrl).searchParams.get('t') ?? ''
  for (const path of ['/api/documents', `/api/documents/${id}/download`, `/api/onlyoffice/config/${id}`]) {
    expect((await pair.app.fetch(path, { as: token })).status).toBe(401)
  }
})

test('only the deletion of the document ends a file address', async () => {
  const { id, fileUrl } = await openedDocx(pair.app)
  await pair.app.deps.database
    .updateTable('documents')
    .set({ deleted_at: new Date().toISOString() })
    .where('id', '=', id)
    .execute()
  expect((await get(fileUrl)).status).toBe(404)
  expect((await pair.app.fetch(`/api/onlyoffice/config/${id}`)).status).toBe(404)
})

test('other methods on a file address change nothing and answer 404 or 405', async () => {
  const { fileUrl } = await openedDocx(pair.app)
  for (const method of ['POST', 'PUT', 'DELETE']) {
    expect([404, 405]).toContain((await get(fileUrl, {}, method)).status)
  }
})

test('a large file arrives whole, and a reader that goes away hurts nobody', async () => {
  const text = Array.from({ length: 40_000 }, (_, line) => `${line} ${crypto.randomUUID()}`).join('\n')
  const id = await pair.app.upload('large.txt', Buffer.from(text.repeat(3)))
  const { url } = (await pair.app.config(id)).document
  const abort = new AbortController()
  const cut = await fetch(url, { signal: abort.signal })
  await cut.body?.getReader().read()
  abort.abort()
  expect((await bytesOf(await get(url))).toString()).toBe(text.repeat(3))
  const middle = await get(url, { range: 'bytes=1500000-3500000' })
  expect((await bytesOf(middle)).toString()).toBe(text.repeat(3).slice(1_500_000, 3_500_001))
  expect(await pair.app.download(id)).toHaveLength(text.length * 3)
})
