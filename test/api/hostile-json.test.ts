import { connect } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import {
  type Given,
  goodValues,
  imaginaryWorld,
  PATHS,
  type Path,
  requestOf,
} from '../support/endpoint-calls.ts'

const BODY_TIMEOUT_S = 3
const app = await startApp({
  env: {
    AUTH_RATE_LIMIT_MAX: '1000000',
    BODY_TIMEOUT_S: String(BODY_TIMEOUT_S),
    WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
  },
})
afterAll(() => app[Symbol.asyncDispose]())

/** Whatever was sent, the service is there for the next one. */
afterEach(async () => {
  expect((await app.fetch('/health', { as: null })).status).toBe(200)
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})

type Document = { id: string; title: string; metadata: Record<string, unknown>; code?: string }
type Sent = { as?: string | null; headers?: Record<string, string>; method?: string }

async function send(path: string, body: string | Uint8Array<ArrayBuffer>, { headers, ...more }: Sent = {}) {
  const response = await app.fetch(path, {
    method: 'POST',
    ...more,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })
  const text = await response.text()
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text,
    json: (text === '' ? {} : JSON.parse(text)) as Document & { errors?: Record<string, string[]> },
  }
}

/** Refused clearly, and by no fault of ours. */
function demandRefused({ status, type, json }: Awaited<ReturnType<typeof send>>) {
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  expect(type).toMatch(/^application\/problem\+json/)
  expect(json).toMatchObject({ status, code: expect.stringMatching(/^[a-z-]+$/) })
}

const NEW = { title: 'A', type: 'Docs', format: 'TXT' }
const text = JSON.stringify(NEW)
const beside = (member: string) => `${text.slice(0, -1)},${member}}`
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const DEEP_OBJECTS = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`
const WIDE = Array.from({ length: 200_000 }, (_, n) => `"m${n}":${n}`).join(',')

/** Aliases share their operation's reader. */
const JSON_PATHS = PATHS.filter(
  ({ name, path, call }) => call.body !== undefined && name.endsWith(` ${path}`),
)
const bearerFor = ({ call }: Path) => (call.needs === 'administrator' ? ADMIN_TOKEN : app.token)
const nowhere = imaginaryWorld()

describe.each(JSON_PATHS)('$method $path', (one) => {
  const { path } = requestOf(one, goodValues(one.call, nowhere))
  const ask = (body: string, headers: Record<string, string> = {}) =>
    send(path, body, { method: one.method, as: bearerFor(one), headers })

  test.each([
    ['nothing but blanks', ' \r\n\t '],
    ['null', 'null'],
    ['a number', '1'],
    ['a text', '"text"'],
    ['true', 'true'],
    ['half of an object', text.slice(0, -5)],
    ['two objects', `${text}${text}`],
    ['a list', `[${text}]`],
    ['an empty list', '[]'],
    ['a deep list', DEEP],
    ['something that is no JSON', "{title: 'A'}"],
    ['a NUL', '\0'],
    ['XML', '<a/>'],
    ['a form', 'title=A&type=Docs'],
  ])('a body that is %s is refused', async (_name, body) => {
    demandRefused(await ask(body))
  })

  test('each field refuses, or keeps to itself, what is deep, long or named like what all objects have', async () => {
    for (const [field, { isRequired }] of Object.entries(one.call.body ?? {})) {
      const odd = [
        `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
        '{"__proto__":{"polluted":1}}',
        `[${'1,'.repeat(20_000)}1]`,
      ]
      for (const value of odd) {
        const others = Object.entries(goodValues(one.call, nowhere).body).filter(([name]) => name !== field)
        const members = [...others.map(([name, good]) => `${JSON.stringify(name)}:${JSON.stringify(good)}`)]
        const answer = await ask(`{${[...members, `"${field}":${value}`].join(',')}}`)
        expect(answer.status, `${field}: ${value.slice(0, 40)}`).toBeLessThan(500)
        if (isRequired) demandRefused(answer)
        // An answer does not grow with what was asked.
        expect(answer.text.length, `${field}: ${value.slice(0, 40)}`).toBeLessThan(100_000)
      }
    }
  })

  test('texts with lone surrogates and NUL are taken or refused, and never a fault of ours', async () => {
    const good = goodValues(one.call, nowhere)
    for (const [field, value] of Object.entries(good.body)) {
      for (const odd of ['\ud800', 'a\udfffb', '\0', 'a\0b', '\ufeff', '\u202e']) {
        const given: Given = { ...good, body: { ...good.body, [field]: oddly(value, odd) } }
        const answer = await ask(String(requestOf(one, given).init.body))
        expect(answer.status, `${field}: ${JSON.stringify(odd)}`).toBeLessThan(500)
        if (answer.status >= 400) demandRefused(answer)
      }
    }
  })

  test('a body that is not sent as JSON is refused', async () => {
    for (const type of [
      'text/plain',
      'application/xml',
      'application/octet-stream',
      'multipart/form-data; boundary=x',
    ]) {
      demandRefused(await ask('{"title":"A","name":"A","label":"A"}', { 'content-type': type }))
    }
  })
})

/** The value with `odd` in each of its texts and names. */
function oddly(value: unknown, odd: string): unknown {
  if (typeof value === 'string') return `${value}${odd}`
  if (Array.isArray(value)) return value.map((one) => oddly(one, odd))
  if (typeof value !== 'object' || value === null) return odd
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [`${name}${odd}`, oddly(one, odd)]))
}

test.each([
  ['deep', beside(`"x":${DEEP}`)],
  ['deep in objects', beside(`"x":${DEEP_OBJECTS}`)],
  ['wide', beside(WIDE)],
  ['wide below', beside(`"x":{${WIDE}}`)],
])('what is %s beside the fields is ignored, also when it may be sent again', async (_name, body) => {
  expect((await send('/api/documents', body)).status).toBe(201)
  const headers = { 'idempotency-key': crypto.randomUUID() }
  const answers = [
    await send('/api/documents', body, { headers }),
    await send('/api/documents', body, { headers }),
  ]
  for (const answer of answers) if (answer.status !== 201) demandRefused(answer)
  expect(answers[1]?.json.id).toBe(answers[0]?.json.id)
})

test('of a member given twice the last one counts', async () => {
  const { status, json } = await send('/api/documents', beside('"title":"B","title":"C"'))
  expect([status, json.title]).toEqual([201, 'C'])
})

test.each([
  ['{"__proto__":{"title":"A","type":"Docs","format":"TXT","polluted":1}}'],
  ['{"constructor":{"prototype":{"polluted":1,"title":"A"}},"type":"Docs","format":"TXT"}'],
])('members that name a prototype give no field: %s', async (body) => {
  const answer = await send('/api/documents', body)
  demandRefused(answer)
  expect(answer.json.errors).toHaveProperty('title')
})

test('metadata of 200,000 values is refused', async () => {
  const answer = await send('/api/documents', beside(`"metadata":{${WIDE}}`))
  demandRefused(answer)
  expect(Object.keys(answer.json.errors ?? {})).toEqual(['metadata'])
})

test('an answer does not grow with the number of faults', async () => {
  const metadata = Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`m${n}`, null]))
  const answer = await send('/api/documents', JSON.stringify({ ...NEW, metadata }))
  expect(answer.status).toBe(400)
  expect(answer.text.length).toBeLessThan(100_000)
})

test('metadata may be named like what all objects have, and is found by it', async () => {
  const metadata = { constructor: 'a', toString: 'b', hasOwnProperty: 'c', valueOf: 'd' }
  const { status, json } = await send('/api/documents', JSON.stringify({ ...NEW, metadata }))
  expect([status, json.metadata]).toEqual([201, metadata])
  const found = await app.fetch('/api/documents?metadata[constructor]=a&metadata[toString]=b')
  expect(await found.json()).toMatchObject({ documents: [{ id: json.id }], totalCount: 1 })
  const proto = await send('/api/documents', beside('"metadata":{"__proto__":"x","b":"y"}'))
  expect([proto.status, proto.json.metadata]).toEqual([201, { b: 'y' }])
})

test.each([
  ['lone surrogates', { '\ud800': 1, '\ud801': 2, '\ufffd': 3 }],
  ['NUL', { 'a\0b': 1, 'a\0c': 2, a: 3 }],
  ['signs that JSON and SQL know', { 'a"b': 1, "a'b": 2, 'a.b': 3, 'a[0]': 4, $: 5, '': undefined, ' ': 6 }],
])('metadata whose names hold %s is taken or refused', async (_name, metadata) => {
  const answer = await send('/api/documents', JSON.stringify({ ...NEW, metadata }))
  if (answer.status === 201)
    expect(Object.keys(answer.json.metadata)).toHaveLength(
      Object.keys(JSON.parse(JSON.stringify(metadata))).length,
    )
  else demandRefused(answer)
})

test.each([
  '%00',
  'abc%00def',
  'abc%00',
  '%EF%BF%BF',
  '%22',
  '"abc',
  'title%3A"abc"',
  'abc*',
  '%F3%A0%80%81abc',
])('a search for %s is answered', async (search) => {
  for (const path of ['/api/documents', '/api/documents/trash']) {
    expect([search, (await app.fetch(`${path}?search=${search}`)).status]).toEqual([search, 200])
  }
})

test('a body with a byte order mark is read', async () => {
  expect((await send('/api/documents', `\ufeff${text}`)).status).toBe(201)
})

test.each([
  ['application/json; charset=utf-16', 'utf16le'],
  ['application/json; charset=utf-16le', 'utf16le'],
  ['application/json; charset=UTF-8', 'utf8'],
] as const)('a body is read in the charset that it names: %s', async (type, charset) => {
  const body = Buffer.from(JSON.stringify({ ...NEW, title: 'Отчёт' }), charset)
  const { status, json } = await send('/api/documents', new Uint8Array(body), {
    headers: { 'content-type': type },
  })
  if (status === 201) expect(json.title).toBe('Отчёт')
  else expect([status, json.code]).toEqual([415, 'media-type-unsupported'])
})

test.each(['iso-8859-1', 'utf-99', 'utf-16'])(
  'a body in another charset than %s, which it names, is refused',
  async (charset) => {
    const answer = await send('/api/documents', text, {
      headers: { 'content-type': `application/json; charset=${charset}` },
    })
    demandRefused(answer)
  },
)

test('a body of 12 MiB is refused with 413, also without a token', async () => {
  const body = JSON.stringify({ ...NEW, x: 'x'.repeat(12 * 1024 ** 2) })
  for (const as of [app.token, null]) {
    const answer = await send('/api/documents', body, { as })
    expect([answer.status, answer.json.code]).toEqual([413, 'body-too-large'])
  }
})

test.each(['gzip', 'deflate', 'br', 'zstd', 'compress', 'nonsense', 'gzip, gzip'])(
  'a body that is announced as %s and is not is refused',
  async (encoding) => {
    demandRefused(await send('/api/documents', text, { headers: { 'content-encoding': encoding } }))
  },
)

test('a body that is packed is read', async () => {
  for (const [encoding, packed] of [
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
  ] as const) {
    const answer = await send('/api/documents', new Uint8Array(packed), {
      headers: { 'content-encoding': encoding },
    })
    expect([encoding, answer.status]).toEqual([encoding, 201])
  }
})

test('a packed body that unpacks to 1 GB is refused with 413 and never unpacked', async () => {
  const member = gzipSync(Buffer.alloc(100_000_000, ' '))
  const bomb = new Uint8Array(Buffer.concat(Array.from({ length: 10 }, () => member)))
  expect(bomb.length).toBeLessThan(1_100_000)
  const before = process.memoryUsage.rss()
  for (const as of [app.token, null]) {
    const answer = await send('/api/documents', bomb, { as, headers: { 'content-encoding': 'gzip' } })
    expect([answer.status, answer.json.code]).toEqual([413, 'body-too-large'])
  }
  expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000)
})

/** A body that goes on as long as anybody listens. @returns what was answered, once the connection is closed */
async function endless(headers: string): Promise<{ answer: string; closedAfterMs: number }> {
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.write(
    `POST /api/documents HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${app.token}\r\n${headers}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  )
  const drip = setInterval(() => socket.write('1\r\n{\r\n'), 50)
  const started = performance.now()
  const giveUp = setTimeout(() => socket.destroy(), BODY_TIMEOUT_S * 2500)
  // A reset is an end, too.
  await new Promise((done) => socket.once('close', done))
  clearInterval(drip)
  clearTimeout(giveUp)
  return { answer, closedAfterMs: performance.now() - started }
}

test.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
  'a body of %s that never ends is cut off',
  async (type) => {
    const { answer, closedAfterMs } = await endless(`Content-Type: ${type}`)
    expect(closedAfterMs).toBeLessThan(BODY_TIMEOUT_S * 2000)
    expect(answer).not.toMatch(/^HTTP\/1\.1 [25]/)
  },
)
