import jwt from 'jsonwebtoken'
import nock from 'nock'
import { afterEach, beforeAll, expect, test } from 'vitest'
import type { ConversionOrder } from '../../src/core/ports.ts'
import { HttpDocServer } from '../../src/docserver/client.ts'
import { createDocServerTokens } from '../../src/docserver/tokens.ts'
import { problemOf } from './support.ts'

const SECRET = 'client-secret-0123456789abcdef01234567'
const INTERNAL = 'http://documentserver.test'

beforeAll(() => {
  nock.disableNetConnect()
  return () => nock.restore()
})
afterEach(() => nock.cleanAll())

const client = new HttpDocServer({
  addresses: { publicUrl: 'https://docs.example.com', internalUrl: INTERNAL, otherOrigins: [] },
  tokens: createDocServerTokens({ secret: SECRET }, () => new Date()),
  header: 'Authorization',
  commandTimeoutS: 0.2,
  stallS: 0.2,
})

function order(changes: Partial<ConversionOrder> = {}): ConversionOrder {
  return {
    key: 'prefix-key',
    url: 'http://connector.test/file/1?t=token',
    from: 'docx',
    to: 'pdf',
    title: 'A title.pdf',
    timeLimitS: 5,
    ...changes,
  }
}

const asked = () => nock(INTERNAL).post('/converter').query(true)
const DONE = {
  fileUrl: `${INTERNAL}/cache/files/output.pdf`,
  fileType: 'pdf',
  percent: 100,
  endConvert: true,
}

test('an order is asynchronous, signed in body and header, and names its shard', async () => {
  let body: Record<string, unknown> = {}
  let authorization = ''
  nock(INTERNAL, { reqheaders: { accept: 'application/json' } })
    .post('/converter', (given) => {
      body = given
      return true
    })
    .matchHeader('authorization', (value) => {
      authorization = String(value)
      return true
    })
    .query({ shardkey: 'prefix-key' })
    .reply(200, DONE)
  expect(await client.convert(order())).toEqual({ url: DONE.fileUrl, extension: 'pdf' })
  const wanted = {
    async: true,
    filetype: 'docx',
    key: 'prefix-key',
    outputtype: 'pdf',
    title: 'A title.pdf',
    url: order().url,
  }
  expect(jwt.verify(String(body.token), SECRET)).toMatchObject(wanted)
  expect(jwt.verify(authorization.replace('Bearer ', ''), SECRET)).toMatchObject({ payload: wanted })
})

test('the same order is repeated until the conversion is done', async () => {
  const keys: unknown[] = []
  const repeated = () =>
    nock(INTERNAL)
      .post('/converter', (given) => {
        keys.push(given.key)
        return true
      })
      .query(true)
  repeated().times(2).reply(200, { percent: 0, endConvert: false })
  repeated().reply(200, DONE)
  expect((await client.convert(order())).url).toBe(DONE.fileUrl)
  expect(keys).toEqual(['prefix-key', 'prefix-key', 'prefix-key'])
})

test('text is UTF-8 and cells are separated by commas', async () => {
  nock(INTERNAL)
    .post('/converter', (given) => given.codePage === 65001 && given.delimiter === 4)
    .query(true)
    .reply(200, { ...DONE, fileType: 'csv' })
  expect((await client.convert(order({ from: 'xlsx', to: 'csv' }))).extension).toBe('csv')
})

test('the type of the answer counts: PDF/A is a pdf', async () => {
  asked().reply(200, DONE)
  expect((await client.convert(order({ to: 'pdfa' }))).extension).toBe('pdf')
})

test.each([
  [-1, 'conversion-failed', /does not say why/],
  [-2, 'conversion-failed', /ran out of time/],
  [-3, 'conversion-failed', /may be damaged/],
  [-4, 'document-server-failed', /could not download/],
  [-5, 'conversion-failed', /password/],
  [-6, 'document-server-failed', /database/],
  [-7, 'conversion-impossible', /does not know the format/],
  [-8, 'document-server-failed', /secret/],
  [-9, 'conversion-failed', /type of the file/],
  [-10, 'conversion-failed', /larger/],
  [-99, 'document-server-failed', /unknown error -99/],
])('the error %i says in words what is wrong', async (error, code, words) => {
  asked().reply(200, { error })
  const problem = await problemOf(client.convert(order()))
  expect(problem.code).toBe(code)
  expect(problem.message).toMatch(words)
})

test.each<[string, number, string]>([
  ['HTTP 500', 500, ''],
  ['a redirect', 302, ''],
  ['a page instead of JSON', 200, '<html>Bad gateway</html>'],
  ['a list', 200, '[]'],
  ['a type that is none', 200, '{"endConvert":true,"fileUrl":"http://x/","fileType":"../../x"}'],
])('%s is a failure of Document Server', async (_name, status, body) => {
  asked().reply(status, body, { location: 'http://elsewhere.test/' })
  expect((await problemOf(client.convert(order()))).code).toBe('document-server-failed')
})

test('no connection is a failure whose words hold no token', async () => {
  asked().replyWithError({ code: 'ECONNREFUSED', message: 'refused' })
  const problem = await problemOf(client.convert(order()))
  expect(problem.code).toBe('document-server-failed')
  expect(problem.message).not.toMatch(/eyJ|Bearer|shardkey|t=/)
})

test('a conversion that is never done ends at the time limit', async () => {
  asked().times(50).reply(200, { percent: 0, endConvert: false })
  const problem = await problemOf(client.convert(order({ timeLimitS: 0.3 })))
  expect([problem.code, problem.message]).toEqual([
    'conversion-failed',
    'Document Server was not done after 0.3 s',
  ])
})

test('an answer that never comes ends at the time limit too', async () => {
  asked().delay(2000).reply(200, DONE)
  const problem = await problemOf(client.convert(order({ timeLimitS: 0.1 })))
  expect(problem.code).toBe('conversion-failed')
})
