import { afterAll, expect, test } from 'vitest'
import { WEBHOOK_EVENTS } from '../../src/core/webhooks/events.ts'
import { bearerWith } from '../docserver/support.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import {
  ALLOW_LOCAL,
  deliver,
  isSignedWith,
  type MadeWebhook,
  makeWebhook,
  startReceiver,
} from '../webhooks/support.ts'

const app = await startApp({ env: ALLOW_LOCAL })
afterAll(() => app[Symbol.asyncDispose]())

const HOOK = { url: 'https://example.com/hook?token=a', events: ['document.saved'] }

/** Of all answers; each test says which fields it expects. */
type Json = MadeWebhook & {
  code: string
  errors: object
  webhooks: MadeWebhook[]
  deliveries: { id: string }[]
}

async function ask(path: string, { body, ...init }: { method?: string; as?: string; body?: unknown } = {}) {
  const response = await app.fetch(path, {
    ...init,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  return { status: response.status, response, json: JSON.parse(text || '{}') as Json }
}

const create = (body: unknown, as?: string) =>
  ask('/api/webhooks', { method: 'POST', body, ...(as === undefined ? {} : { as }) })

test('a webhook is made, shown, listed and deleted; its secret is shown at the making and never stored', async () => {
  const made = await create({ ...HOOK, events: ['document.saved', 'document.opened', 'document.saved'] })
  expect(made.status).toBe(201)
  expect(made.json).toEqual({
    id: expect.any(String),
    apiKeyId: expect.any(String),
    url: HOOK.url,
    events: ['document.opened', 'document.saved'],
    state: 'active',
    endedBecause: null,
    secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    createdAt: expect.stringMatching(/Z$/),
  })
  expect(made.response.headers.get('cache-control')).toBe('no-store')
  const { secret, ...shown } = made.json
  expect((await ask(`/api/webhooks/${shown.id}`)).json).toEqual(shown)
  expect((await ask('/api/webhooks')).json.webhooks).toContainEqual(shown)
  const rows = await app.deps.database.selectFrom('webhooks').selectAll().execute()
  expect(JSON.stringify(rows)).not.toContain(secret.slice(6))

  expect((await ask(`/api/webhooks/${shown.id}`, { method: 'DELETE' })).status).toBe(204)
  expect((await ask(`/api/webhooks/${shown.id}`)).status).toBe(404)
})

test('every event can be wanted', async () => {
  expect((await create({ ...HOOK, events: WEBHOOK_EVENTS })).json.events).toEqual([...WEBHOOK_EVENTS])
})

test.each<[string, unknown]>([
  ['no url', { events: HOOK.events }],
  ['an address that is none', { ...HOOK, url: 'example.com' }],
  ['another protocol', { ...HOOK, url: 'ftp://example.com/' }],
  ['a file', { ...HOOK, url: 'file:///etc/passwd' }],
  ['a user name', { ...HOOK, url: 'https://me@example.com/' }],
  ['a password', { ...HOOK, url: 'https://:secret@example.com/' }],
  ['2001 characters', { ...HOOK, url: `https://example.com/${'x'.repeat(1981)}` }],
  ['no events', { url: HOOK.url }],
  ['an empty list of events', { ...HOOK, events: [] }],
  ['an unknown event', { ...HOOK, events: ['document.read'] }],
  ['an event without its prefix', { ...HOOK, events: ['saved'] }],
])('%s is refused with 400', async (_name, body) => {
  expect((await create(body)).status).toBe(400)
})

test.each(['http://10.0.0.1/', 'http://[::1]/', 'http://0x7f000002/', 'http://169.254.169.254/latest'])(
  'the internal address %s is refused with 422',
  async (url) => {
    const { status, json } = await create({ ...HOOK, url })
    expect([status, json.code]).toEqual([422, 'webhook-address-refused'])
  },
)

test('a name that leads inside fails at sending, with the reason', async () => {
  await using closed = await startApp()
  await using receiver = await startReceiver()
  const { port } = new URL(receiver.url)
  const webhook = await makeWebhook(closed, `http://localhost:${port}/`, ['document.deleted'])
  const id = await closed.upload('a.docx', makeDocx(['One']))
  await closed.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  await deliver(closed)
  const { deliveries } = (await (await closed.fetch(`/api/webhooks/${webhook.id}/deliveries`)).json()) as {
    deliveries: unknown[]
  }
  expect(deliveries).toMatchObject([
    { state: 'pending', attempts: 1, lastStatus: null, lastError: 'the name leads to an internal address' },
  ])
  expect(receiver.received).toEqual([])
})

const PATHS: [string, (id: string) => string, string][] = [
  ['GET', (id) => `/api/webhooks/${id}`, 'GET'],
  ['DELETE', (id) => `/api/webhooks/${id}`, 'DELETE'],
  ['GET deliveries', (id) => `/api/webhooks/${id}/deliveries`, 'GET'],
  ['POST test', (id) => `/api/webhooks/${id}/test`, 'POST'],
  ['POST retry', (id) => `/api/webhooks/${id}/deliveries/${id}/retry`, 'POST'],
]

test.each(PATHS)(
  "%s: another key's webhook answers like one that does not exist",
  async (_name, path, method) => {
    const { id } = (await create(HOOK)).json
    for (const elsewhere of [true, false]) {
      const stranger = await bearerWith(app, ['documents:read'], { elsewhere })
      const foreign = await ask(path(id), { method, as: stranger })
      const missing = await ask(path(crypto.randomUUID()), { method, as: stranger })
      expect([foreign.status, foreign.json.code]).toEqual([404, 'webhook-not-found'])
      expect({ ...foreign.json, traceId: '' }).toEqual({ ...missing.json, traceId: '' })
      expect((await ask('/api/webhooks', { as: stranger })).json).toEqual({ webhooks: [] })
    }
    expect((await ask(`/api/webhooks/${id}`)).status).toBe(200)
  },
)

test('who may not read documents has no webhooks', async () => {
  const writer = await bearerWith(app, ['documents:write'])
  expect((await create(HOOK, writer)).json.code).toBe('permission-missing')
  expect((await ask('/api/webhooks', { as: writer })).status).toBe(403)
})

test('the administrator names a key, sees all webhooks and deletes any', async () => {
  const { id, apiKeyId } = (await create(HOOK)).json
  expect((await create(HOOK, ADMIN_TOKEN)).json.errors).toHaveProperty('apiKeyId')
  const missing = await create({ ...HOOK, apiKeyId: crypto.randomUUID() }, ADMIN_TOKEN)
  expect([missing.status, missing.json.code]).toEqual([404, 'api-key-not-found'])
  const made = await create({ ...HOOK, apiKeyId }, ADMIN_TOKEN)
  expect(made.json).toMatchObject({ apiKeyId, state: 'active' })
  expect((await ask(`/api/webhooks/${made.json.id}`)).status).toBe(200)

  const all = (await ask('/api/webhooks', { as: ADMIN_TOKEN })).json.webhooks
  expect(all.map((webhook) => webhook.id)).toEqual(expect.arrayContaining([id, made.json.id]))
  expect((await ask(`/api/webhooks/${id}`, { method: 'DELETE', as: ADMIN_TOKEN })).status).toBe(204)
})

test('a client makes no webhook for another key', async () => {
  const { apiKeyId } = (await create(HOOK)).json
  const stranger = await bearerWith(app, ['documents:read'])
  expect((await create({ ...HOOK, apiKeyId }, stranger)).json.code).toBe('administrator-only')
})

test('a key has at most twenty webhooks', async () => {
  const busy = await bearerWith(app, ['documents:read'])
  for (let n = 0; n < 20; n += 1) expect((await create(HOOK, busy)).status).toBe(201)
  expect((await create(HOOK, busy)).status).toBe(400)
})

test('a test sends a signed ping at once and says what came back', async () => {
  await using receiver = await startReceiver()
  const webhook = await makeWebhook(app, receiver.url, ['document.saved'])
  const ping = () => ask(`/api/webhooks/${webhook.id}/test`, { method: 'POST' })
  expect((await ping()).json).toEqual({ isDelivered: true, status: 200, error: null })
  expect(receiver.received).toMatchObject([{ type: 'ping', data: {} }])
  expect(receiver.received.map((one) => isSignedWith(webhook.secret, one))).toEqual([true])
  receiver.answer = 418
  expect((await ping()).json).toEqual({ isDelivered: false, status: 418, error: null })
  await receiver[Symbol.asyncDispose]()
  expect((await ping()).json).toEqual({ isDelivered: false, status: null, error: 'ECONNREFUSED' })
})

test('deliveries are listed newest first, and one is sent again by hand under its id', async () => {
  await using receiver = await startReceiver()
  const webhook = await makeWebhook(app, receiver.url, ['document.deleted'])
  receiver.answer = 500
  const id = await app.upload('a.docx', makeDocx(['One']))
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  await deliver(app)
  const path = `/api/webhooks/${webhook.id}/deliveries`
  const [delivery] = (await ask(path)).json.deliveries
  expect(delivery).toEqual({
    id: receiver.received[0]?.headers['webhook-id'],
    event: 'document.deleted',
    state: 'pending',
    attempts: 1,
    lastStatus: 500,
    lastError: 'answered 500',
    nextAttemptAt: expect.any(String),
    createdAt: expect.any(String),
  })
  receiver.answer = 200
  const retried = await ask(`${path}/${delivery?.id}/retry`, { method: 'POST' })
  expect(retried.json).toMatchObject({ state: 'pending', attempts: 0 })
  await deliver(app)
  expect((await ask(path)).json.deliveries).toMatchObject([
    { state: 'delivered', attempts: 1, lastStatus: 200 },
  ])
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
  expect((await ask(`${path}/${crypto.randomUUID()}/retry`, { method: 'POST' })).status).toBe(404)
})

test('a deleted webhook gets nothing that still waits', async () => {
  await using receiver = await startReceiver()
  const webhook = await makeWebhook(app, receiver.url, ['document.deleted'])
  const id = await app.upload('a.docx', makeDocx(['One']))
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  await ask(`/api/webhooks/${webhook.id}`, { method: 'DELETE' })
  await deliver(app)
  expect(receiver.received).toEqual([])
})
