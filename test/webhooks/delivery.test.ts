import { expect, test } from 'vitest'
import { RETRY_AFTER_S, WebhookQueue } from '../../src/core/webhooks/queue.ts'
import { updateApiKey } from '../../src/metadata/api-keys.ts'
import { until } from '../support/both.ts'
import { happen, startScene, states } from './scene.ts'
import { deliver, deliveryRows, makeWebhook, startReceiver } from './support.ts'

test('what a receiver refuses is sent again after 5 s, 30 s … 24 h, and then given up', async () => {
  await using scene = await startScene()
  const { app, clock, receiver } = scene
  receiver.answer = 500
  await happen(app)
  await deliver(app)
  for (const [n, waitS] of RETRY_AFTER_S.entries()) {
    expect(receiver.received).toHaveLength(n + 1)
    clock.pass(waitS - 1)
    await deliver(app)
    expect(receiver.received).toHaveLength(n + 1)
    // Jitter is at most a tenth.
    clock.pass(waitS * 0.1 + 1)
    await deliver(app)
  }
  expect(receiver.received).toHaveLength(10)
  expect(await deliveryRows(app, scene.webhook.id)).toMatchObject([
    { state: 'failed', attempts: 10, last_status: 500, last_error: 'answered 500', next_attempt_at: null },
  ])
  clock.pass(7 * 24 * 3600)
  await deliver(app)
  expect(receiver.received).toHaveLength(10)

  const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']))
  const times = new Set(receiver.received.map(({ headers }) => headers['webhook-timestamp']))
  const bodies = new Set(receiver.received.map(({ text }) => text))
  expect([ids.size, times.size, bodies.size]).toEqual([1, 10, 1])
})

test('a delivery that a later attempt brings home is not sent again', async () => {
  await using scene = await startScene()
  const { app, clock, receiver } = scene
  receiver.answer = 503
  await happen(app)
  await deliver(app)
  receiver.answer = 204
  clock.pass(6)
  await deliver(app)
  expect(await states(scene)).toEqual(['delivered 2'])
  clock.pass(3600)
  await deliver(app)
  expect(receiver.received).toHaveLength(2)
})

test('a redirect is not followed and counts as refused', async () => {
  await using scene = await startScene()
  scene.receiver.answer = 302
  await happen(scene.app)
  await deliver(scene.app)
  expect(await deliveryRows(scene.app, scene.webhook.id)).toMatchObject([
    { state: 'pending', last_status: 302, last_error: 'answered 302' },
  ])
})

test('410 ends the webhook and all that waits for it', async () => {
  await using scene = await startScene()
  const { app, receiver, webhook } = scene
  receiver.answer = 500
  await happen(app, 3)
  await deliver(app)
  receiver.answer = 410
  await happen(app)
  await deliver(app)
  await happen(app)
  await deliver(app)
  expect(receiver.received).toHaveLength(4)
  expect((await deliveryRows(app, webhook.id)).map(({ state }) => state)).toEqual(Array(4).fill('failed'))
  const shown = (await (await app.fetch(`/api/webhooks/${webhook.id}`)).json()) as object
  expect(shown).toMatchObject({ state: 'ended', endedBecause: 'the receiver answered 410' })
})

test.each([
  ['revoked', { revoked_at: '2026-11-21T08:00:00.000Z' }],
  ['expired', { expires_at: '2026-11-21T08:00:00.000Z' }],
])('the webhooks of a key end when it is %s', async (_how, change) => {
  await using scene = await startScene()
  const { app, receiver, webhook } = scene
  await happen(app)
  await updateApiKey(app.deps.database, webhook.apiKeyId, change)
  await happen(app)
  await deliver(app)
  expect(receiver.received).toEqual([])
  expect(await deliveryRows(app, webhook.id)).toMatchObject([
    { state: 'failed', last_error: expect.stringContaining('API key') },
  ])
})

test('a receiver that does not answer does not hold up others, and gets two at once at most', async () => {
  await using scene = await startScene()
  await using other = await startReceiver()
  const { app, receiver } = scene
  receiver.answer = 'hang'
  await makeWebhook(app, other.url, ['document.deleted'])
  const stopped = new AbortController()
  const queue = new WebhookQueue(app.deps, stopped.signal)
  await happen(app, 30)
  await queue.startDue()
  await until(() => other.received.length === 30)
  expect(receiver.received).toHaveLength(2)

  stopped.abort()
  await queue.idle()
  const rows = await deliveryRows(app, scene.webhook.id)
  // What the stop cut off counts as not tried.
  expect(rows.map(({ state, attempts }) => `${state} ${attempts}`)).toEqual(Array(30).fill('pending 0'))
})
