import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { ask, bytesAt, signedPayload } from './asked.ts'

const AT = (second: number) => `2026-11-21T08:00:0${second}.000Z`

/** An archive and history as Document Server sends them. */
const CHANGES = Buffer.from('PK changes')
const HISTORY = {
  serverVersion: '9.4.0',
  changes: [{ created: AT(1).slice(0, 19).replace('T', ' '), user: { id: 'ann', name: 'Ann' } }],
}

async function session() {
  const both = await startBoth()
  const changesurl = both.docServer.fileUrl(CHANGES, 'changes.zip')
  const saved = { changesurl, history: HISTORY }
  // The upload (1), the button (2), the final save (3), one that comes too late (4).
  await both.send({ status: 6, forcesavetype: 1, lastsave: AT(1), ...saved }, makeDocx(['cut']))
  await both.send({ status: 2, lastsave: AT(2), ...saved }, makeDocx(['final']))
  await both.send({ status: 2, lastsave: AT(3), ...saved }, makeDocx(['late']))
  return both
}

test('the history names every version once, the head last, with the changes that Document Server told', async () => {
  await using both = await session()
  const { app, id, key } = both

  const { status, answer } = await ask(app, id, 'history')

  expect(status).toBe(200)
  expect(answer.currentVersion).toBe(3)
  expect(answer.history.map((entry: { version: number }) => entry.version)).toEqual([1, 2, 4, 3])
  const [upload, cut, conflict, final] = answer.history
  expect(upload).toEqual({
    version: 1,
    key,
    created: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    user: { id: expect.any(String), name: 'Tests' },
  })
  expect(cut).toMatchObject({ user: { id: 'ann' }, ...HISTORY })
  expect(final).toMatchObject(HISTORY)
  expect([cut.kind, conflict.kind]).toEqual([undefined, 'conflict'])
  expect(final.key).toBe((await app.config(id)).document.key)
})

test('every version of a session starts from what the session was opened on, and its files can be fetched', async () => {
  await using both = await session()
  const { app, docServer, id, key } = both

  for (const [number, text] of [
    [2, 'cut'],
    [3, 'final'],
  ] as const) {
    const { answer } = await ask(app, id, `history/${number}`)
    const { changesUrl, previous, ...version } = signedPayload(answer)
    expect(version).toMatchObject({ fileType: 'docx', version: number })
    expect(previous).toMatchObject({ fileType: 'docx', key })
    expect(docxParagraphs(await bytesAt(version.url))).toEqual([text])
    expect(docxParagraphs(await bytesAt(previous.url))).toEqual(['One', 'Two'])
    expect(await bytesAt(changesUrl)).toEqual(CHANGES)
  }

  const { answer } = await ask(app, id, 'history/3')
  const origin = new URL(docServer.url).origin
  const fetched = await fetch(answer.changesUrl, { headers: { origin, range: 'bytes=0-1' } })
  expect([fetched.status, await fetched.text()]).toEqual([206, 'PK'])
  expect(fetched.headers.get('content-type')).toBe('application/zip')
  const etag = fetched.headers.get('etag') ?? ''
  expect((await fetch(answer.changesUrl, { headers: { 'if-none-match': etag } })).status).toBe(304)
})

test('a version that no editor made has no changes', async () => {
  await using both = await session()
  const { answer } = await ask(both.app, both.id, 'history/1')
  expect(Object.keys(signedPayload(answer)).sort()).toEqual(['fileType', 'key', 'url', 'version'])
  // Its token opens its content, and no archive.
  const token = new URL(answer.url).searchParams.get('t') ?? ''
  expect((await fetch(answer.url)).status).toBe(200)
  expect((await fetch(answer.url.replace(both.id, crypto.randomUUID()))).status).toBe(404)
  expect((await fetch(answer.url.replace(token, `${token}x`))).status).toBe(403)
})

test('the page of Document Server may fetch the changes, whatever sites are named', async () => {
  await using both = await startBoth({ env: { CORS_ORIGINS: 'https://files.example.com' } })
  const { app, docServer, id, key } = both
  const changesurl = docServer.fileUrl(CHANGES, 'changes.zip')
  await both.send({ status: 2, lastsave: AT(2), changesurl, history: HISTORY }, makeDocx(['final']))
  const { answer } = await ask(app, id, 'history/2')
  expect(answer.previous.key).toBe(key)
  const origin = new URL(docServer.url).origin

  const asked = await fetch(answer.changesUrl, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    },
  })
  const fetched = await fetch(answer.changesUrl, { headers: { origin } })

  expect(asked.status).toBe(204)
  expect(asked.headers.get('access-control-allow-headers')).toMatch(/Authorization/)
  for (const { headers } of [asked, fetched]) expect(headers.get('access-control-allow-origin')).toBe(origin)
  const other = await fetch(answer.changesUrl, { headers: { origin: 'https://evil.example' } })
  expect(other.headers.get('access-control-allow-origin')).toBeNull()
})

test('the browser’s address for changes, and Document Server’s for files', async () => {
  await using both = await startBoth({
    env: { PUBLIC_URL: 'https://docs.example.com/office', INTERNAL_URL: 'http://inside.example:3000' },
  })
  const { app, id, key } = both
  const { sha256 } = await app.deps.blobs.put(Readable.from([CHANGES]), { maxBytes: 100 })
  await app.deps.database
    .updateTable('versions')
    .set({ changes_sha256: sha256, session_key: key })
    .where('document_id', '=', id)
    .execute()
  const { answer } = await ask(app, id, 'history/1')
  expect(answer.changesUrl).toMatch(/^https:\/\/docs\.example\.com\/office\/api\/onlyoffice\/file\//)
  for (const url of [answer.url, answer.previous.url])
    expect(url).toMatch(/^http:\/\/inside\.example:3000\/api\/onlyoffice\/file\//)
})

test('bytes that still move are shown under a key of their own', async () => {
  await using both = await startBoth()
  const keyOf = async () => (await ask(both.app, both.id, 'history/2')).answer.key
  await both.send({ status: 6, forcesavetype: 0, lastsave: AT(1) }, makeDocx(['typed']))
  const first = await keyOf()
  await both.send({ status: 6, forcesavetype: 0, lastsave: AT(2) }, makeDocx(['typed more']))
  const second = await keyOf()
  await both.send({ status: 2, lastsave: AT(3) }, makeDocx(['typed more', 'and closed']))

  const next = (await both.app.config(both.id)).document.key
  expect(new Set([first, second, next]).size).toBe(3)
  expect(await keyOf()).toBe(next)
  expect(first).toMatch(/^[0-9A-Za-z._=-]{1,128}$/)
})

test('a version that does not exist is an error that the editor shows, a number that is none a bad request', async () => {
  await using both = await startBoth()
  const { status, answer } = await ask(both.app, both.id, 'history/7')
  expect([status, answer]).toEqual([200, { error: expect.any(String), version: 7 }])
  expect((await ask(both.app, both.id, 'history/x')).status).toBe(400)
  expect((await ask(both.app, both.id, 'history/0')).status).toBe(400)
})
