import { expect, test } from 'vitest'
import { SECRET, startApp } from '../support/app.ts'
import { openedDocx, postCallback, sign, startPair } from './support.ts'

test('config and viewer are limited by address with 429 and Retry-After; file and callback with good tokens never', async () => {
  await using pair = await startPair({ env: { RATE_LIMIT_MAX: '12' } })
  const { app } = pair
  const { id, key, fileUrl } = await openedDocx(app)
  const config = () => app.fetch(`/api/onlyoffice/config/${id}`)
  let limited = await config()
  for (let tries = 0; tries < 20 && limited.status !== 429; tries += 1) limited = await config()

  expect(limited.status).toBe(429)
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await limited.json()).toMatchObject({ error: 'TOO_MANY_REQUESTS' })
  expect((await app.fetch(`/api/onlyoffice/viewer/${id}`)).status).toBe(429)
  for (let times = 0; times < 20; times += 1) {
    expect((await fetch(fileUrl, { method: 'HEAD' })).status).toBe(200)
    expect((await postCallback(app, { key, status: 1, users: ['ann'] })).status).toBe(200)
  }
})

test('the limit is not used up by Document Server, however often it comes', async () => {
  await using pair = await startPair({ env: { RATE_LIMIT_MAX: '12' } })
  const { app } = pair
  const { id, key, fileUrl } = await openedDocx(app)
  for (let times = 0; times < 20; times += 1) {
    await fetch(fileUrl, { method: 'HEAD' })
    await postCallback(app, { key, status: 1, users: ['ann'] })
  }
  expect((await app.fetch(`/api/onlyoffice/config/${id}`)).status).toBe(200)
})

test('file and callback requests with bad tokens are limited', async () => {
  await using pair = await startPair({ env: { RATE_LIMIT_MAX: '6' } })
  const { app } = pair
  const statuses = async (ask: () => Promise<{ status: number }>) => {
    const seen: number[] = []
    for (let times = 0; times < 8; times += 1) seen.push((await ask()).status)
    return seen
  }
  const file = await statuses(() => fetch(`${app.url}/api/onlyoffice/file/x?t=bad`))
  expect(file[0]).toBe(403)
  expect(file.at(-1)).toBe(429)
  const bad = { bodyToken: sign({ key: 'x', status: 1 }, { secret: `${SECRET}x` }), header: null }
  const callback = await postCallback(app, { key: 'x', status: 1 }, bad)
  expect([callback.status, callback.body]).toEqual([429, '{"error":0}'])
  expect(Number(callback.headers.get('retry-after'))).toBeGreaterThan(0)
})

test('failed sign-ins of an address are limited together; good ones are not counted', async () => {
  await using app = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '5' } })
  const list = (as: string) => app.fetch('/api/documents', { as })
  for (let times = 0; times < 10; times += 1) expect((await list(app.token)).status).toBe(200)
  const wrong = () =>
    app.fetch('/api/auth/token', {
      method: 'POST',
      as: null,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ apiKey: 'nuto_ak_x', secret: 'nuto_sk_x' }),
    })
  for (let times = 0; times < 3; times += 1) expect((await wrong()).status).toBe(401)
  for (let times = 0; times < 2; times += 1) expect((await list('wrong')).status).toBe(401)
  const limited = await wrong()
  expect(limited.status).toBe(429)
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(Number(limited.headers.get('retry-after'))).toBeLessThanOrEqual(60)
  expect(
    (await app.fetch('/sign-in', { method: 'POST', as: null, body: new URLSearchParams({ token: 'x' }) }))
      .status,
  ).toBe(429)
})

test('behind a trusted proxy each client has limits of its own; without trust the header says nothing', async () => {
  const attempt = async (app: Awaited<ReturnType<typeof startApp>>, client: string) =>
    (await app.fetch('/api/documents', { as: 'wrong', headers: { 'x-forwarded-for': client } })).status
  await using trusting = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '2', TRUST_PROXY: '1' } })
  expect(await attempt(trusting, '192.0.2.1')).toBe(401)
  expect(await attempt(trusting, '192.0.2.1')).toBe(401)
  expect(await attempt(trusting, '192.0.2.1')).toBe(429)
  expect(await attempt(trusting, '192.0.2.2')).toBe(401)
  await using wary = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '2' } })
  expect(await attempt(wary, '192.0.2.1')).toBe(401)
  expect(await attempt(wary, '192.0.2.2')).toBe(401)
  expect(await attempt(wary, '192.0.2.3')).toBe(429)
})
