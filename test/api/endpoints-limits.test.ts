import { afterAll, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { goodValues, imaginaryWorld, PATHS, requestOf } from '../support/endpoint-calls.ts'

const nowhere = imaginaryWorld()
const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

/** Source: draft-ietf-httpapi-ratelimit-headers-07. */
const LIMIT = /^limit=(\d+), remaining=(\d+), reset=(\d+)$/

test.each(PATHS)('$method $path says how many requests are left', async (one) => {
  const { path, init } = requestOf(one, goodValues(one.call, nowhere))
  const remaining: number[] = []
  for (let n = 0; n < 2; n += 1) {
    const { headers } = await app.fetch(path, init)
    expect(headers.get('ratelimit-policy')).toBe('1000000;w=900')
    const [, limit, left, resetS] = LIMIT.exec(headers.get('ratelimit') ?? '') ?? []
    expect([limit, Number(resetS) <= 900]).toEqual(['1000000', true])
    remaining.push(Number(left))
  }
  expect(remaining[1]).toBe((remaining[0] ?? 0) - 1)
})

test('a refused request says it, too: without a token, of a wrong method, on no path, with a broken body', async () => {
  const broken = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }
  for (const [path, init, status] of [
    ['/api/documents', { as: null }, 401],
    ['/api/documents', { method: 'DELETE' }, 405],
    ['/api/nothing', {}, 404],
    ['/api/documents', broken, 400],
  ] as const) {
    const response = await app.fetch(path, init)
    expect([path, response.status]).toEqual([path, status])
    expect(response.headers.get('ratelimit')).toMatch(LIMIT)
    expect(response.headers.get('ratelimit-policy')).toBe('1000000;w=900')
  }
})

test('one request too many is refused with 429 and says when to come back', async () => {
  // One of them is for the token of the test itself.
  await using few = await startApp({ env: { RATE_LIMIT_MAX: '3' } })
  const ask = (as: string | null = few.token) => few.fetch('/api/documents', { as })
  const [second, third] = [await ask(), await ask()]
  expect([second.status, third.status]).toEqual([200, 200])
  expect(third.headers.get('ratelimit')).toMatch(/^limit=3, remaining=0, reset=\d+$/)

  for (const as of [few.token, null, 'garbage']) {
    const refused = await ask(as)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    const retryAfterS = Number(refused.headers.get('retry-after'))
    expect(Number.isInteger(retryAfterS) && retryAfterS > 0 && retryAfterS <= 900).toBe(true)
    expect(refused.headers.get('ratelimit')).toMatch(/^limit=3, remaining=0, reset=\d+$/)
    expect(await refused.json()).toMatchObject({
      type: 'urn:docs-connector:problem:too-many-requests',
      status: 429,
      code: 'too-many-requests',
      traceId: expect.any(String),
    })
  }
  // What watches over the service is not limited.
  expect((await few.fetch('/health', { as: null })).status).toBe(200)
})

test('whoever tries out tokens or secrets is stopped, and the others from there with them until a minute is over', async () => {
  await using strict = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '3' } })
  const guess = () =>
    strict.fetch('/api/auth/token', {
      method: 'POST',
      as: null,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiKey: 'nuto_ak_guess', secret: 'nuto_sk_guess' }),
    })
  const answers = [await guess(), await guess(), await strict.fetch('/api/documents', { as: 'garbage' })]
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401])
  const refused = await guess()
  expect(refused.status).toBe(429)
  expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  const retryAfterS = Number(refused.headers.get('retry-after'))
  expect(retryAfterS > 0 && retryAfterS <= 60).toBe(true)
  expect(await refused.json()).toMatchObject({ status: 429, code: 'too-many-requests' })
})

test('a good token is never counted as a failed attempt', async () => {
  await using strict = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '3' } })
  const answers = await Promise.all(Array.from({ length: 10 }, () => strict.fetch('/api/documents')))
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
})
