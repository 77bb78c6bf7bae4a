import { request } from 'undici'
import { afterAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { goodValues, imaginaryWorld, PATHS, type Path, requestOf } from '../support/endpoint-calls.ts'
import type { World } from '../support/endpoint-fields.ts'
import { makeDocx } from '../support/files.ts'
import { insertSubmission } from '../support/submissions.ts'
import { insertThumbnail } from '../support/thumbnails.ts'

const app = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '1000000' } })
afterAll(() => app[Symbol.asyncDispose]())

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'SEARCH'] as const
type Method = (typeof METHODS)[number]

const nowhere = imaginaryWorld()
const addressOf = (one: Path, world: World = nowhere) =>
  requestOf(one, goodValues(one.call, world, { isLeast: true })).path

/** Each address with the methods that it is served for. */
const SERVED = [...Map.groupBy(PATHS, ({ path }) => path)].map(([path, all]) => ({
  path,
  address: all[0] === undefined ? '' : addressOf(all[0]),
  methods: all.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).sort(),
}))

async function ask(method: Method | 'OPTIONS', address: string, as: string | null = app.token) {
  const {
    statusCode: status,
    headers,
    body,
  } = await request(app.url + address, {
    method: method as 'GET',
    headers: as === null ? {} : { authorization: `Bearer ${as}` },
  })
  return { status, headers, text: await body.text() }
}

const allowed = ({ headers }: Awaited<ReturnType<typeof ask>>) => String(headers.allow).split(', ').sort()

test.each(SERVED)(
  '$path answers every method that it does not serve with 405',
  async ({ address, methods }) => {
    const others = METHODS.filter((method) => !methods.includes(method))
    expect(others.length).toBeGreaterThan(3)
    for (const method of others) {
      for (const as of [app.token, null]) {
        const answer = await ask(method, address, as)
        expect([method, answer.status, allowed(answer)]).toEqual([method, 405, methods])
        expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
        if (method !== 'HEAD')
          expect(JSON.parse(answer.text)).toMatchObject({ status: 405, code: 'method-not-allowed' })
      }
    }
  },
)

test.each(SERVED)('$path answers OPTIONS with what it serves', async ({ address, methods }) => {
  const answer = await ask('OPTIONS', address, null)
  expect([answer.status, allowed(answer), answer.text]).toEqual([204, methods, ''])
})

/** There is something to be got at each address. */
async function realWorld(): Promise<World> {
  const file = makeDocx(['One'])
  const documentId = await app.upload('report.docx', file)
  const submissionId = await insertSubmission(app.deps, documentId, file)
  await insertThumbnail(app.deps, file, 'docx')
  const [version] = await app.versions(documentId)
  const made = await app.fetch('/api/webhooks', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: 'https://example.com/hook', events: ['document.saved'] }),
  })
  const { id: webhookId } = (await made.json()) as { id: string }
  return { ...nowhere, documentId, versionId: version?.id ?? '', webhookId, submissionId }
}
const world = await realWorld()

/** What a moment or the connection decides. */
const PASSING = ['date', 'x-request-id', 'ratelimit', 'connection', 'keep-alive', 'transfer-encoding']

test.each(PATHS.filter(({ method }) => method === 'GET'))(
  'HEAD $path answers like GET, without the body',
  async (one) => {
    const as = one.call.needs === 'administrator' ? ADMIN_TOKEN : app.token
    const address = addressOf(one, world)
    const [get, head] = [await ask('GET', address, as), await ask('HEAD', address, as)]
    expect([get.status, head.status, head.text]).toEqual([200, 200, ''])
    const lasting = ({ headers }: typeof get) =>
      Object.fromEntries(Object.entries(headers).filter(([name]) => !PASSING.includes(name)))
    expect(lasting(head)).toEqual(lasting(get))
  },
)

test.each(PATHS.filter(({ method, call }) => method === 'GET' && call.needs !== 'nothing'))(
  'HEAD $path is refused like GET',
  async (one) => {
    const address = addressOf(one)
    const [get, head] = [await ask('GET', address, null), await ask('HEAD', address, null)]
    expect([get.status, head.status, head.text]).toEqual([401, 401, ''])
    expect(head.headers['www-authenticate']).toBe('Bearer')
    expect(head.headers['content-type']).toBe(get.headers['content-type'])
  },
)

test('an unknown path answers 404 whatever the method', async () => {
  for (const method of [...METHODS, 'OPTIONS'] as const) {
    const { status, headers } = await ask(method, '/api/nothing')
    expect([method, status, headers.allow]).toEqual([method, 404, undefined])
  }
})
