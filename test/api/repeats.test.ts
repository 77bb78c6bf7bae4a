import { afterAll, expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx } from '../support/files.ts'

const clock = testClock()
const app = await startApp({ overrides: { clock: clock.now } })
afterAll(() => app[Symbol.asyncDispose]())

const NEW = { title: 'Once', type: 'Docs', format: 'DOCX' }

function post(path: string, key: string, body: unknown, as = app.token) {
  return app.fetch(path, {
    method: 'POST',
    as,
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
}

async function totalCount(): Promise<number> {
  return ((await (await app.fetch('/api/documents')).json()) as { totalCount: number }).totalCount
}

test('a request that is sent again makes nothing new and gets the same answer', async () => {
  const before = await totalCount()
  const first = await post('/api/documents', 'k-1', NEW)
  const again = await post('/api/documents', 'k-1', NEW)

  expect([first.status, again.status]).toEqual([201, 201])
  expect(await again.json()).toEqual(await first.json())
  expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
    null,
    'true',
  ])
  expect(await totalCount()).toBe(before + 1)
})

test('another request with the same key is refused', async () => {
  await post('/api/documents', 'k-2', NEW)
  const other = await post('/api/documents', 'k-2', { ...NEW, title: 'Other' })
  expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([
    422,
    'idempotency-key-reused',
  ])
})

test('of two at the same time one makes it', async () => {
  const before = await totalCount()
  const answers = await Promise.all([1, 2, 3, 4].map(() => post('/api/documents', 'k-3', NEW)))
  const statuses = answers.map(({ status }) => status)
  expect(statuses).toContain(201)
  expect(statuses.every((status) => status === 201 || status === 409)).toBe(true)
  expect(await totalCount()).toBe(before + 1)
})

test('a refused request may be sent again, put right', async () => {
  expect((await post('/api/documents', 'k-4', { ...NEW, format: 'XLSX' })).status).toBe(400)
  expect((await post('/api/documents', 'k-4', NEW)).status).toBe(201)
})

test('a request that a crash cut off runs again and finds what it had made', async () => {
  const made = (await (await post('/api/documents', 'k-5', NEW)).json()) as { id: string }
  await app.deps.database
    .updateTable('request_keys')
    .set({ status: null, answer: null })
    .where('key', '=', 'k-5')
    .execute()
  const before = await totalCount()

  const again = await post('/api/documents', 'k-5', NEW)

  expect(await again.json()).toMatchObject({ id: made.id })
  expect(await totalCount()).toBe(before)
})

test('uploads and copies can be sent again too', async () => {
  const before = await totalCount()
  const upload = () => {
    const body = new FormData()
    body.append('file', new Blob([new Uint8Array(makeDocx(['x']))]), 'twice.docx')
    return app.fetch('/api/documents/upload', { method: 'POST', headers: { 'idempotency-key': 'k-6' }, body })
  }
  const first = (await (await upload()).json()) as { id: string }
  expect(await (await upload()).json()).toEqual(first)
  const copy = await post(`/api/documents/${first.id}/copy`, 'k-7', {})
  expect(await (await post(`/api/documents/${first.id}/copy`, 'k-7', {})).json()).toEqual(await copy.json())
  expect(await totalCount()).toBe(before + 2)
})

test('the secret of an API key is answered again, and lies nowhere in clear', async () => {
  const wanted = { name: 'Again', permissions: ['documents:read'] }
  const first = (await (await post('/api/auth/api-keys', 'k-8', wanted, ADMIN_TOKEN)).json()) as {
    secret: string
  }
  expect(await (await post('/api/auth/api-keys', 'k-8', wanted, ADMIN_TOKEN)).json()).toEqual(first)
  const rows = await app.deps.database.selectFrom('request_keys').selectAll().execute()
  expect(JSON.stringify(rows)).not.toContain(first.secret)
})

test('keys of different callers have nothing to do with each other', async () => {
  await post('/api/documents', 'k-9', NEW)
  const admin = await post('/api/documents', 'k-9', { ...NEW, title: 'Of the administrator' }, ADMIN_TOKEN)
  expect(admin.status).toBe(201)
})

test.each(['', 'a b', 'x'.repeat(256)])('a key that is none is refused: %j', async (key) => {
  const response = await app.fetch('/api/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(NEW),
  })
  expect(response.status).toBe(400)
})

test('a day later the key may be used for something else', async () => {
  await post('/api/documents', 'k-10', NEW)
  clock.pass(24 * 3600 + 1)
  const { apiKey, secret } = await createApiKey(app.deps, {
    name: 'Later',
    permissions: ['documents:write'],
  })
  const token = (await (await post('/api/auth/token', 'ignored', { apiKey, secret })).json()) as {
    token: string
  }
  const wanted = { ...NEW, title: 'Later' }
  expect((await post('/api/documents', 'k-10', wanted, token.token)).status).toBe(201)
})
