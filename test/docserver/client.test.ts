import jwt from 'jsonwebtoken'
import nock from 'nock'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { HttpDocServer } from '../../src/docserver/client.ts'
import { createDocServerTokens } from '../../src/docserver/tokens.ts'
import { isProblem } from '../../src/errors.ts'

const SECRET = 'client-secret-0123456789abcdef01234567'
const INTERNAL = 'http://documentserver.test'
const COMMAND = '/coauthoring/CommandService.ashx'

beforeAll(() => {
  nock.disableNetConnect()
  return () => nock.restore()
})
afterEach(() => nock.cleanAll())

function client(options: { header?: string; internalUrl?: string } = {}) {
  return new HttpDocServer({
    addresses: {
      publicUrl: 'https://docs.example.com',
      internalUrl: options.internalUrl ?? INTERNAL,
      otherOrigins: [],
    },
    tokens: createDocServerTokens({ secret: SECRET }, () => new Date()),
    header: options.header ?? 'Authorization',
    commandTimeoutS: 0.2,
    stallS: 0.2,
  })
}

async function problemOf(asked: Promise<unknown>) {
  const error: unknown = await asked.then(
    () => undefined,
    (caught: unknown) => caught,
  )
  if (!isProblem(error)) throw new Error(`no problem but ${String(error)}`)
  return error
}

test('a command names its key as shard and is signed in body and header', async () => {
  let body: Record<string, unknown> = {}
  let authorization = ''
  nock(INTERNAL)
    .post(COMMAND, (given) => {
      body = given
      return true
    })
    .matchHeader('authorization', (value) => {
      authorization = String(value)
      return true
    })
    .query({ shardkey: 'a key/1' })
    .reply(200, { key: 'a key/1', error: 0 })

  expect(await client().forcesave('a key/1', 'tick')).toBe(0)

  const wanted = { c: 'forcesave', key: 'a key/1', userdata: 'tick' }
  const signed = jwt.verify(String(body.token), SECRET) as jwt.JwtPayload
  expect(signed).toMatchObject(wanted)
  expect((signed.exp ?? 0) - (signed.iat ?? 0)).toBeLessThanOrEqual(300)
  const inHeader = jwt.verify(authorization.replace('Bearer ', ''), SECRET)
  expect(inHeader).toMatchObject({ payload: wanted })
})

test('a command without a key names no shard', async () => {
  nock(INTERNAL).post(COMMAND).query({}).reply(200, { error: 0, version: '9.4.0.7' })
  expect(await client().version()).toBe('9.4.0.7')
})

test('the header that carries the token can be another one', async () => {
  nock(INTERNAL, { reqheaders: { authorizationjwt: /^Bearer / }, badheaders: ['authorization'] })
    .post(COMMAND)
    .query(true)
    .reply(200, { error: 4 })
  expect(await client({ header: 'AuthorizationJwt' }).forcesave('k')).toBe(4)
})

test('a Document Server below a sub-path is asked there', async () => {
  nock(INTERNAL)
    .post(`/ds${COMMAND}`)
    .query({ shardkey: 'k' })
    .reply(200, { error: 0, users: ['ann', 7] })
  expect(await client({ internalUrl: `${INTERNAL}/ds` }).info('k')).toEqual({
    isKnown: true,
    users: ['ann', '7'],
  })
})

test('info: nobody there, and no row for the key', async () => {
  nock(INTERNAL).post(COMMAND).query(true).reply(200, { key: 'k', error: 0, users: [] })
  expect(await client().info('k')).toEqual({ isKnown: true, users: [] })
  nock(INTERNAL).post(COMMAND).query(true).reply(200, { key: 'k', error: 1 })
  expect(await client().info('k')).toEqual({ isKnown: false, users: [] })
})

test.each([
  [6, /secret/],
  [7, /clock/],
])('the answer %i says in words what to look at', async (error, words) => {
  nock(INTERNAL).post(COMMAND).query(true).times(4).reply(200, { error })
  for (const ask of [() => client().info('k'), () => client().version(), () => client().forgottenKeys()]) {
    const problem = await problemOf(ask())
    expect([problem.code, words.test(problem.message)]).toEqual(['document-server-failed', true])
  }
  expect(await client().forcesave('k')).toBe(error)
})

test.each<[string, number, string]>([
  ['HTTP 500', 500, ''],
  ['HTTP 404', 404, 'Not found'],
  ['a page instead of JSON', 200, '<html>Bad gateway</html>'],
  ['an empty answer', 200, ''],
  ['a list', 200, '[]'],
  ['an unknown error', 200, '{"error":99}'],
  ['an error that is no number', 200, '{"error":"none"}'],
])('%s is a failure of Document Server', async (_name, status, body) => {
  nock(INTERNAL).post(COMMAND).query(true).reply(status, body)
  expect((await problemOf(client().forcesave('k'))).code).toBe('document-server-failed')
})

test('a redirect of a command is not followed', async () => {
  const elsewhere = nock('http://elsewhere.test').post('/').reply(200, { error: 0 })
  nock(INTERNAL).post(COMMAND).query(true).reply(307, '', { location: 'http://elsewhere.test/' })
  expect((await problemOf(client().forcesave('k'))).code).toBe('document-server-failed')
  expect(elsewhere.isDone()).toBe(false)
})

test('no answer in time and no connection are failures, and their words hold no token', async () => {
  nock(INTERNAL).post(COMMAND).query(true).delay(2000).reply(200, { error: 0 })
  const slow = await problemOf(client().forcesave('k'))
  nock(INTERNAL).post(COMMAND).query(true).replyWithError({ code: 'ECONNREFUSED', message: 'refused' })
  const refused = await problemOf(client().forcesave('k'))
  for (const problem of [slow, refused]) {
    expect(problem.code).toBe('document-server-failed')
    expect(problem.message).not.toMatch(/eyJ|Bearer|shardkey/)
  }
})

test('forgotten files: the list, the address, none, deletion', async () => {
  const answer = (body: object) => nock(INTERNAL).post(COMMAND).query(true).reply(200, body)
  answer({ error: 0, keys: ['a', 'b'] })
  expect(await client().forgottenKeys()).toEqual(['a', 'b'])
  answer({ error: 0, key: 'a', url: `${INTERNAL}/cache/files/forgotten/a/output.docx` })
  expect(await client().forgottenUrl('a')).toBe(`${INTERNAL}/cache/files/forgotten/a/output.docx`)
  answer({ error: 1, key: 'a' })
  expect(await client().forgottenUrl('a')).toBeUndefined()
  answer({ error: 0, key: 'a' })
  expect(await client().deleteForgotten('a')).toBe(0)
  answer({ error: 3 })
  expect((await problemOf(client().forgottenUrl('a'))).code).toBe('document-server-failed')
})

test('a renamed document is told to its editors', async () => {
  let body: Record<string, unknown> = {}
  nock(INTERNAL)
    .post(COMMAND, (given) => {
      body = given
      return true
    })
    .query({ shardkey: 'k' })
    .reply(200, { error: 0 })
  expect(await client().rename('k', 'New title.docx')).toBe(0)
  expect(jwt.verify(String(body.token), SECRET)).toMatchObject({
    c: 'meta',
    meta: { title: 'New title.docx' },
  })
})

test('the health of Document Server', async () => {
  const health = () => nock(INTERNAL).get('/healthcheck')
  health().reply(200, 'true', { 'content-type': 'text/plain' })
  expect(await client().isHealthy()).toBe(true)
  for (const reply of [
    [200, 'false'],
    [500, 'true'],
    [302, ''],
  ] as const) {
    health().reply(reply[0], reply[1])
    expect(await client().isHealthy()).toBe(false)
  }
  health().replyWithError('refused')
  expect(await client().isHealthy()).toBe(false)
})

test('HEAD of a file tells its length and time', async () => {
  nock(INTERNAL)
    .head('/cache/files/a')
    .query({ md5: '1' })
    .reply(200, '', { 'content-length': '42', 'last-modified': 'Sat, 21 Nov 2026 08:00:00 GMT' })
  expect(await client().head('https://docs.example.com/cache/files/a?md5=1')).toEqual({
    size: 42,
    lastModified: 'Sat, 21 Nov 2026 08:00:00 GMT',
  })
  nock(INTERNAL).head('/cache/files/a').reply(404)
  expect((await problemOf(client().head(`${INTERNAL}/cache/files/a`))).code).toBe('download-refused')
})

test('downloads ask for plain bytes and follow no redirect; words of a failure hold no signature', async () => {
  nock(INTERNAL, { reqheaders: { 'accept-encoding': 'identity' } })
    .get('/cache/files/a')
    .query(true)
    .reply(200, 'hello', { 'content-length': '5' })
  const { bytes, size } = await client().download(`${INTERNAL}/cache/files/a?md5=tellmenot`, { maxBytes: 10 })
  expect([size, Buffer.concat(await Array.fromAsync(bytes)).toString()]).toEqual([5, 'hello'])
  for (const status of [301, 302, 307, 403, 404, 410, 500, 503]) {
    nock(INTERNAL).get('/cache/files/a').query(true).reply(status, '', { location: 'http://elsewhere.test/' })
    const problem = await problemOf(
      client().download(`${INTERNAL}/cache/files/a?md5=tellmenot`, { maxBytes: 10 }),
    )
    expect([status, problem.code]).toEqual([status, status >= 500 ? 'download-failed' : 'download-refused'])
    expect(problem.message).not.toContain('tellmenot')
  }
})
