import { generateKeyPairSync } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { afterAll, expect, test } from 'vitest'
import { createDocServerTokens } from '../../src/docserver/tokens.ts'
import { SECRET } from '../support/app.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { allRows, countedFile, openedDocx, type Posted, postCallback, sign, startPair } from './support.ts'

// One service for the whole file: each test works on documents of its own.
const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())

const OTHER_SECRET = 'another-secret-0123456789abcdef012345'
const edited = makeDocx(['Edited'])

/** How a callback may be signed wrongly: options of the POST for these fields. */
const FORGERIES: [string, (fields: object) => Posted][] = [
  ['unsigned', () => ({ bodyToken: null, header: null })],
  [
    'signed with another secret',
    (fields) => both(fields, (payload) => sign(payload, { secret: OTHER_SECRET })),
  ],
  ['signed with no algorithm', (fields) => both(fields, unsigned)],
  ['signed with HS384', (fields) => both(fields, (payload) => sign(payload, { algorithm: 'HS384' }))],
  ['signed with HS512', (fields) => both(fields, (payload) => sign(payload, { algorithm: 'HS512' }))],
  ['signed with RS256', (fields) => both(fields, withRsa)],
  [
    'expired more than the tolerance ago',
    (fields) => both(fields, (payload) => sign(payload, { expiresInS: -90 })),
  ],
  [
    'not valid yet',
    (fields) => both(fields, (payload) => sign({ ...payload, nbf: Date.now() / 1000 + 600 })),
  ],
  ['a token that is no token', () => ({ bodyToken: 'a.b.c', header: 'Bearer a.b.c' })],
  ['an empty header', () => ({ bodyToken: null, header: 'Bearer ' })],
]

function both(fields: object, make: (payload: object) => string): Posted {
  return { bodyToken: make(fields), header: `Bearer ${make({ payload: fields })}` }
}

function unsigned(payload: object): string {
  return jwt.sign(payload, '', { algorithm: 'none', expiresIn: 300 })
}

function withRsa(payload: object): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return jwt.sign(payload, privateKey, { algorithm: 'RS256', expiresIn: 300 })
}

test.each(FORGERIES)(
  'a callback %s answers 403, nothing is fetched and nothing changes',
  async (_name, forge) => {
    const { app, docServer } = pair
    const { key } = await openedDocx(app)
    const file = countedFile(docServer, edited)
    const before = await allRows(app)
    for (const status of [1, 2, 6]) {
      const fields = { key, status, url: file.url, filetype: 'docx', users: ['ann'] }

      const answer = await postCallback(app, fields, forge(fields))

      expect([answer.status, answer.body]).toEqual([403, '{"error":0}'])
    }
    expect(file.fetched).toBe(0)
    expect(await allRows(app)).toBe(before)
  },
)

test('an unknown key answers 404 and nothing is fetched', async () => {
  const { app, docServer } = pair
  await openedDocx(app)
  const file = countedFile(docServer, edited)
  const before = await allRows(app)
  for (const status of [0, 1, 2, 3, 4, 5, 6, 7]) {
    const answer = await postCallback(app, { key: 'nobody-knows-it', status, url: file.url, users: ['ann'] })
    expect([status, answer.status, answer.body]).toEqual([status, 404, '{"error":0}'])
  }
  expect(file.fetched).toBe(0)
  expect(await allRows(app)).toBe(before)
})

test('a token that expired within the tolerance of 60 s still counts', async () => {
  const { key } = await openedDocx(pair.app)
  const fields = { key, status: 1, users: ['ann'] }
  const late = both(fields, (payload) => sign(payload, { expiresInS: -30 }))
  expect((await postCallback(pair.app, fields, late)).status).toBe(200)
})

test('a good body token counts beside a bad header, and a good header beside a bad body token', async () => {
  const { app } = pair
  const { key } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  const bad = sign({ payload: fields }, { secret: OTHER_SECRET })
  expect((await postCallback(app, fields, { header: `Bearer ${bad}` })).status).toBe(200)
  expect((await postCallback(app, fields, { header: null })).status).toBe(200)
  expect((await postCallback(app, fields, { bodyToken: bad })).status).toBe(200)
  expect((await postCallback(app, fields, { bodyToken: null })).status).toBe(200)
  expect((await postCallback(app, fields, { raw: 'no json at all' })).status).toBe(200)
  expect((await postCallback(app, fields, { raw: '' })).status).toBe(200)
})

test('the header token may wrap the fields in payload or hold them flat', async () => {
  const { app } = pair
  const { key } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  for (const payload of [{ payload: fields }, fields]) {
    for (const scheme of ['Bearer ', 'bearer ', '']) {
      const header = `${scheme}${sign(payload)}`
      expect((await postCallback(app, fields, { bodyToken: null, header })).status).toBe(200)
    }
  }
})

test('where body and header tokens are both good and differ, the body token counts', async () => {
  const { app } = pair
  const { key, id } = await openedDocx(app)
  const header = `Bearer ${sign({ payload: { key: 'nobody-knows-it', status: 1 } })}`
  const answer = await postCallback(app, { key, status: 1, users: ['ann'] }, { header })
  expect(answer.status).toBe(200)
  const session = await app.deps.database
    .selectFrom('sessions')
    .select('editors')
    .where('document_id', '=', id)
    .executeTakeFirstOrThrow()
  expect(session.editors).toBe('["ann"]')
})

test('a plain body that disagrees with its token is ignored', async () => {
  const { app, docServer } = pair
  const { key, id } = await openedDocx(app)
  const other = await openedDocx(app, 'other.docx')
  const signedFile = countedFile(docServer, edited)
  const plainFile = countedFile(docServer, makeDocx(['Forged']))

  const answer = await postCallback(
    app,
    { key, status: 2, url: signedFile.url, filetype: 'docx', users: ['ann'] },
    { plain: { key: other.key, status: 6, url: plainFile.url, filetype: 'xlsx', users: ['eve'] } },
  )

  expect(answer.status).toBe(200)
  expect([signedFile.fetched, plainFile.fetched]).toEqual([1, 0])
  expect(docxParagraphs(await app.download(id))).toEqual(['Edited'])
  expect(await app.versions(other.id)).toHaveLength(1)
  expect((await app.versions(id))[0]?.createdBy).toBe('ann')
})

test('during a change of the secret both verify and the first signs', async () => {
  await using pair = await startPair({ env: { ONLYOFFICE_JWT_SECRET_PREVIOUS: OTHER_SECRET } })
  const { app } = pair
  const { key, config } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  expect((await postCallback(app, fields)).status).toBe(200)
  const old = both(fields, (payload) => sign(payload, { secret: OTHER_SECRET }))
  expect((await postCallback(app, fields, old)).status).toBe(200)
  expect(jwt.verify(config.token, SECRET)).toBeTruthy()
  expect(() => jwt.verify(config.token, OTHER_SECRET)).toThrow()
})

test('the previous secret may be the longer or shorter one and never signs', () => {
  const tokens = createDocServerTokens({ secret: SECRET, previous: OTHER_SECRET }, () => new Date())
  expect(tokens.verify(sign({ a: 1 }, { secret: OTHER_SECRET }))).toMatchObject({ a: 1 })
  expect(jwt.verify(tokens.sign({ a: 1 }), SECRET)).toMatchObject({ a: 1 })
})

test('a body of 17 MiB is not read, but a good header token counts', async () => {
  const { app } = pair
  const { key } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  const padding = 'x'.repeat(17 * 1024 * 1024)

  const good = await postCallback(app, fields, { plain: { ...fields, padding } })
  expect([good.status, good.body]).toEqual([200, '{"error":0}'])
  const bad = await postCallback(app, fields, { plain: { ...fields, padding }, header: null })
  expect([bad.status, bad.body]).toEqual([403, '{"error":0}'])
})

test('a body of 15 MiB whose token holds it all is read', async () => {
  const { app, docServer } = pair
  const { key, id } = await openedDocx(app)
  const file = countedFile(docServer, edited)
  const change = {
    user: { id: 'ann', name: 'Ann' },
    created: '2026-11-21 08:00:00',
    documentSha256: 'x'.repeat(1000),
  }
  const history = { serverVersion: '9.4.0', changes: Array.from({ length: 8000 }, () => change) }
  const fields = { key, status: 2, url: file.url, filetype: 'docx', users: ['ann'], history }

  const answer = await postCallback(app, fields, { plain: {}, header: null })

  expect(answer.status).toBe(200)
  expect((await app.versions(id)).map(({ kind, createdBy }) => [kind, createdBy])).toEqual([
    ['final', 'Ann'],
    ['upload', 'Tests'],
  ])
})

test('a coding of the body that nobody reads is no reason to refuse a good header token', async () => {
  const { app } = pair
  const { key } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  for (const encoding of ['nonsense', 'gzip']) {
    const good = await postCallback(app, fields, { encoding })
    expect([encoding, good.status, good.body]).toEqual([encoding, 200, '{"error":0}'])
    const bad = await postCallback(app, fields, { encoding, header: null })
    expect([encoding, bad.status, bad.body]).toEqual([encoding, 403, '{"error":0}'])
  }
})

test('a type of body that nobody reads is no reason to refuse a good token', async () => {
  const { app } = pair
  const { key } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  for (const contentType of [
    'text/plain',
    'application/xml',
    'nonsense',
    'application/json; charset=x-unknown',
  ]) {
    expect((await postCallback(app, fields, { contentType })).status).toBe(200)
  }
})

test('a signed callback without key or status answers 400 and changes nothing', async () => {
  const { app } = pair
  const { key } = await openedDocx(app)
  const before = await allRows(app)
  for (const fields of [
    { status: 1 },
    { key },
    { key, status: 8 },
    { key, status: '2' },
    { key: '', status: 1 },
    [],
  ]) {
    const answer = await postCallback(app, fields)
    expect([answer.status, answer.body]).toEqual([400, '{"error":0}'])
  }
  expect(await allRows(app)).toBe(before)
})

test('the token may come in a header of another name', async () => {
  await using pair = await startPair({ env: { ONLYOFFICE_JWT_HEADER: 'AuthorizationJwt' } })
  const { app } = pair
  const { key } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  const inHeader = { bodyToken: null, headerName: 'AuthorizationJwt' }
  expect((await postCallback(app, fields, inHeader)).status).toBe(200)
  expect((await postCallback(app, fields, { bodyToken: null })).status).toBe(403)
})

test('tokens of ours are no callbacks', async () => {
  const { app } = pair
  const { key, fileUrl, config } = await openedDocx(app)
  const fields = { key, status: 1, users: ['ann'] }
  const fileToken = new URL(fileUrl).searchParams.get('t') ?? ''
  for (const token of [app.token, fileToken]) {
    expect((await postCallback(app, fields, { bodyToken: token, header: `Bearer ${token}` })).status).toBe(
      403,
    )
  }
  // The config is signed with the same secret, but holds no status.
  const configToken = await postCallback(app, fields, { bodyToken: config.token, header: null })
  expect([400, 403]).toContain(configToken.status)
})
