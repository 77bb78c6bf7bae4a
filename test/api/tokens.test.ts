import jwt from 'jsonwebtoken'
import { expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { PERMISSIONS } from '../../src/core/callers.ts'
import { ADMIN_TOKEN, SECRET, startApp, type TestApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'

const makeKey = (app: TestApp) => createApiKey(app.deps, { name: 'A', permissions: [...PERMISSIONS] })

async function tokenFor(app: TestApp, body: object) {
  const response = await app.fetch('/api/auth/token', {
    method: 'POST',
    as: null,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const json = (await response.json()) as { token: string; expiresAt: string }
  return { status: response.status, headers: response.headers, json }
}

const list = async (app: TestApp, as: string | null) => (await app.fetch('/api/documents', { as })).status

test('key and secret give a token that lasts an hour', async () => {
  const clock = testClock()
  await using app = await startApp({ overrides: { clock: clock.now } })
  const { apiKey, secret } = await makeKey(app)
  const { status, json, headers } = await tokenFor(app, { apiKey, secret })
  expect(status).toBe(200)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(json).toEqual({ token: expect.any(String), expiresAt: '2026-11-21T09:00:00.000Z' })
  expect(await list(app, json.token)).toBe(200)
  clock.pass(3599)
  expect(await list(app, json.token)).toBe(200)
  clock.pass(2)
  expect(await list(app, json.token)).toBe(401)
})

test('a wrong secret and an unknown key are refused alike with 401', async () => {
  await using app = await startApp()
  const { apiKey, secret } = await makeKey(app)
  const { traceId: _one, ...wrong } = (await tokenFor(app, { apiKey, secret: `${secret}x` }))
    .json as object & { traceId?: string }
  const { traceId: _two, ...unknown } = (await tokenFor(app, { apiKey: 'nuto_ak_x', secret }))
    .json as object & { traceId?: string }
  expect(wrong).toEqual(unknown)
  expect(wrong).toMatchObject({ status: 401, code: 'credentials-invalid' })
  expect((await tokenFor(app, { apiKey: secret, secret: apiKey })).status).toBe(401)
})

test('credentials that are no texts are refused with 400', async () => {
  await using app = await startApp()
  for (const body of [
    {},
    { apiKey: 'a' },
    { apiKey: 1, secret: 2 },
    { apiKey: '', secret: '' },
    { apiKey: ['a'], secret: 'b' },
  ]) {
    expect((await tokenFor(app, body)).status).toBe(400)
  }
})

test('a revoked key gives no token, and its tokens are refused', async () => {
  await using app = await startApp()
  const { id, apiKey, secret } = await makeKey(app)
  const { json } = await tokenFor(app, { apiKey, secret })
  await app.deps.database
    .updateTable('api_keys')
    .set({ revoked_at: new Date().toISOString() })
    .where('id', '=', id)
    .execute()
  expect((await tokenFor(app, { apiKey, secret })).status).toBe(401)
  expect(await list(app, json.token)).toBe(401)
})

test('a token is refused that is missing, tampered, unsigned, of another purpose or signed with another secret', async () => {
  await using app = await startApp()
  const claims = jwt.decode(app.token) as jwt.JwtPayload
  const [header, , signature] = app.token.split('.')
  const forged = Buffer.from(JSON.stringify({ ...claims, clientId: 'other' })).toString('base64url')
  const bad = {
    missing: null,
    tampered: `${header}.${forged}.${signature}`,
    unsigned: jwt.sign(claims, '', { algorithm: 'none' }),
    'signed with the secret of Document Server': jwt.sign(claims, SECRET),
    'almost the admin token': ADMIN_TOKEN.slice(0, -1),
  }
  for (const [name, as] of Object.entries(bad)) expect([name, await list(app, as)]).toEqual([name, 401])
  const response = await app.fetch('/api/documents', { as: null })
  expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
  expect(
    (await app.fetch('/api/documents', { as: null, headers: { authorization: 'Basic YTpi' } })).status,
  ).toBe(401)
  expect((await app.fetch(`/api/documents?token=${app.token}`, { as: null })).status).toBe(401)
})

test('the admin token is a bearer that sees all workspaces', async () => {
  await using app = await startApp()
  await app.upload('a.txt', Buffer.from('hello'))
  const response = await app.fetch('/api/documents', { as: ADMIN_TOKEN })
  expect(await response.json()).toMatchObject({ totalCount: 1 })
})
