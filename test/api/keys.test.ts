import { request } from 'undici'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'

type Made = { id: string; apiKey: string; secret: string; permissions: string[]; workspaceId: string }

const KEY = { name: 'First', permissions: ['documents:read', 'documents:write'] }

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

/** Each test begins with no API key at all. */
beforeEach(async () => {
  await app.deps.database.deleteFrom('api_keys').execute()
})

/** A request whose Host header can be set, which fetch() forbids. */
async function makeKey(
  headers: Record<string, string> = {},
  body: unknown = KEY,
  { url }: { url: string } = app,
) {
  const { statusCode, body: answer } = await request(`${url}/api/auth/api-keys`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: statusCode, json: (await answer.json()) as Made & { code?: string } }
}

const admin = { authorization: `Bearer ${ADMIN_TOKEN}` }

test('the first key is made from this machine without a token, the second is not', async () => {
  const first = await makeKey()
  expect(first.status).toBe(201)
  expect(first.json).toEqual({
    id: expect.any(String),
    name: 'First',
    apiKey: expect.stringMatching(/^nuto_ak_/),
    secret: expect.stringMatching(/^nuto_sk_/),
    permissions: KEY.permissions,
    workspaceId: expect.any(String),
    createdAt: expect.stringMatching(/Z$/),
  })
  const second = await makeKey()
  expect(second.status).toBe(401)
  expect(JSON.stringify(second.json)).not.toContain('nuto_sk_')
})

test('of first keys asked for at once exactly one is made', async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => makeKey()))
  expect(made.filter(({ status }) => status === 201)).toHaveLength(1)
  const rows = await app.deps.database.selectFrom('api_keys').select('id').execute()
  expect(rows).toHaveLength(1)
})

test.each([
  ['X-Forwarded-For', { 'x-forwarded-for': '192.0.2.1' }],
  ['X-Forwarded-For naming this machine', { 'x-forwarded-for': '127.0.0.1' }],
  ['X-Forwarded-Host', { 'x-forwarded-host': 'localhost' }],
  ['X-Forwarded-Proto', { 'x-forwarded-proto': 'https' }],
  ['Forwarded', { forwarded: 'for=127.0.0.1' }],
  ['X-Real-IP', { 'x-real-ip': '127.0.0.1' }],
  ['the Host of another site', { host: 'docs.example.com' }],
  ['a Host that begins with localhost', { host: 'localhost.evil.example' }],
  ['a Host that begins with 127.', { host: '127.0.0.1.evil.example' }],
  ['a wrong token', { authorization: 'Bearer nonsense-nonsense' }],
  ['another scheme of authorization', { authorization: 'Basic YTpi' }],
])('with %s the first key is refused', async (_name, headers) => {
  expect((await makeKey(headers)).status).toBe(401)
  expect(await app.deps.database.selectFrom('api_keys').select('id').execute()).toEqual([])
})

test('behind a trusted proxy the first key needs the admin token', async () => {
  await using proxied = await startApp({ env: { TRUST_PROXY: 'loopback' } })
  await proxied.deps.database.deleteFrom('api_keys').execute()
  expect((await makeKey({}, KEY, proxied)).status).toBe(401)
  expect((await makeKey(admin, KEY, proxied)).status).toBe(201)
})

test('localhost and its addresses count as this machine', async () => {
  const { port } = new URL(app.url)
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'LOCALHOST']) {
    await app.deps.database.deleteFrom('api_keys').execute()
    expect([host, (await makeKey({ host })).status]).toEqual([host, 201])
  }
})

test('the administrator makes more keys, each in a workspace of its own or in a named one', async () => {
  const one = await makeKey(admin)
  const two = await makeKey(admin)
  expect([one.status, two.status]).toEqual([201, 201])
  expect(one.json.workspaceId).not.toBe(two.json.workspaceId)
  const same = await makeKey(admin, { ...KEY, workspaceId: one.json.workspaceId })
  expect(same.json.workspaceId).toBe(one.json.workspaceId)
  const unknown = await makeKey(admin, { ...KEY, workspaceId: crypto.randomUUID() })
  expect(unknown.status).toBe(404)
})

test('a client with all permissions makes no keys', async () => {
  await using own = await startApp()
  const answer = await makeKey({ authorization: `Bearer ${own.token}` }, KEY, own)
  expect([answer.status, answer.json.code]).toEqual([403, 'administrator-only'])
})

test.each<[string, unknown]>([
  ['no name', { permissions: KEY.permissions }],
  ['an empty name', { ...KEY, name: '' }],
  ['a name of 201 characters', { ...KEY, name: 'x'.repeat(201) }],
  ['no permissions', { name: 'A' }],
  ['an empty list of permissions', { ...KEY, permissions: [] }],
  ['an unknown permission', { ...KEY, permissions: ['documents:own'] }],
  ['permissions that are no list', { ...KEY, permissions: 'documents:read' }],
  ['a workspace that is no id', { ...KEY, workspaceId: 'default' }],
  ['a list', []],
])('%s is refused with 400', async (_name, body) => {
  expect((await makeKey(admin, body)).status).toBe(400)
})

test('a secret is kept as a hash alone', async () => {
  const { json } = await makeKey(admin)
  const rows = JSON.stringify(await app.deps.database.selectFrom('api_keys').selectAll().execute())
  expect(rows).toContain(json.apiKey)
  expect(rows).not.toContain(json.secret)
})
