import { expect, test } from 'vitest'
import { WebhookQueue } from '../../src/core/webhooks/queue.ts'
import { startApp } from '../support/app.ts'
import { until } from '../support/both.ts'
import { happen, startScene, states } from './scene.ts'
import { ALLOW_LOCAL, deliver, makeWebhook, startReceiver } from './support.ts'

test('a restart loses nothing that waits and sends nothing that was delivered again', async () => {
  await using scene = await startScene()
  const { app, clock, receiver } = scene
  await happen(app, 2)
  await deliver(app)
  receiver.answer = 500
  await happen(app, 2)
  await deliver(app)
  await happen(app, 2)
  await app.close()
  receiver.answer = 200
  receiver.received.length = 0

  const overrides = { clock: clock.now }
  await using again = await startApp({ env: ALLOW_LOCAL, dataDir: app.dataDir, overrides })
  await deliver(again)
  expect(receiver.received).toHaveLength(2)
  clock.pass(6)
  await deliver(again)
  expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(4)
  expect(receiver.received).toHaveLength(4)
})

test('what a killed process had claimed and perhaps sent is sent again under the same id', async () => {
  await using scene = await startScene()
  const { app, clock, receiver } = scene
  await happen(app)
  // Killed after the receiver got it and before its answer was noted.
  const killed = new WebhookQueue(
    { ...app.deps, webhookSender: { ...app.deps.webhookSender, demandAllowed() {}, send } },
    new AbortController().signal,
  )
  const sent: string[] = []
  async function send(order: Parameters<typeof app.deps.webhookSender.send>[0]): Promise<never> {
    sent.push(order.headers['webhook-id'] ?? '')
    throw new Error('killed')
  }
  await killed.idle()
  await deliver(app)
  expect(receiver.received).toEqual([])
  clock.pass(61)
  await deliver(app)
  expect(receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual(sent)
  expect(await states(scene)).toEqual(['delivered 2'])
})

test('two processes at once send each delivery once', async () => {
  await using scene = await startScene()
  await happen(scene.app, 20)
  await Promise.all([deliver(scene.app), deliver(scene.app)])
  expect(scene.receiver.received).toHaveLength(20)
  expect(new Set(await states(scene))).toEqual(new Set(['delivered 1']))
})

test('the service delivers by itself and stops while a receiver hangs', async () => {
  await using receiver = await startReceiver()
  await using hanging = await startReceiver()
  await using app = await startApp({ env: ALLOW_LOCAL, overrides: { background: true } })
  hanging.answer = 'hang'
  await makeWebhook(app, receiver.url, ['document.deleted'])
  await makeWebhook(app, hanging.url, ['document.deleted'])
  await happen(app)
  await until(() => receiver.received.length === 1 && hanging.received.length === 1)
  await app.close()
})
