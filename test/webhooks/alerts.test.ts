import { expect, test } from 'vitest'
import type { Deps } from '../../src/core/deps.ts'
import { checkAlerts } from '../../src/core/webhooks/alerts.ts'
import { WebhookQueue } from '../../src/core/webhooks/queue.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { type Both, startBoth } from '../support/both.ts'
import { makeDocx } from '../support/files.ts'
import { deliver, isSignedWith, type Receiver, startReceiver } from './support.ts'

type Alert = { url: string | null; secret: string; state: string; alerts: { name: string }[] }

async function alertOf(app: Both['app']): Promise<Alert> {
  return (await (await app.fetch('/api/webhooks/alert', { as: ADMIN_TOKEN })).json()) as Alert
}

/** As many checks, and what they have sent. */
async function told(deps: Deps, receiver: Receiver, checks = 1): Promise<string[]> {
  receiver.received.length = 0
  for (let n = 0; n < checks; n += 1) await checkAlerts(deps)
  await new WebhookQueue(deps, new AbortController().signal).idle()
  return receiver.received.map(({ type, data }) => `${type} ${String(data.state)}`)
}

test('a save at risk alerts the administrator once, and again when it came home', async () => {
  await using receiver = await startReceiver()
  await using both = await startBoth({ env: { ALERT_WEBHOOK_URL: receiver.url, DOWNLOAD_RETRY_S: '0' } })
  const { app } = both
  expect(await told(app.deps, receiver)).toEqual([])
  await both.send({ status: 2 }, Buffer.from('not a document'))
  expect(await told(app.deps, receiver, 3)).toEqual(['alert.save_at_risk raised'])
  expect(receiver.received[0]?.data).toMatchObject({ count: 1, oldest: expect.any(String) })
  const alert = await alertOf(app)
  expect(alert).toMatchObject({
    url: receiver.url,
    state: 'raised',
    alerts: [{ name: 'alert.save_at_risk' }],
  })
  expect(receiver.received.map((one) => isSignedWith(alert.secret, one))).toEqual([true])

  await both.send({ status: 2 }, makeDocx(['whole']))
  expect(await told(app.deps, receiver)).toEqual([])
  expect(await told(app.deps, receiver, 3)).toEqual(['alert.save_at_risk resolved'])
  expect(await alertOf(app)).toMatchObject({ state: 'calm', alerts: [] })
})

test('what comes back before it counts as over is not told of twice, nor after a restart', async () => {
  await using receiver = await startReceiver()
  await using both = await startBoth({ env: { ALERT_WEBHOOK_URL: receiver.url } })
  const { app, docServer } = both
  const down: Deps = { ...app.deps, isDocServerHealthy: async () => false }
  const up: Deps = { ...app.deps, isDocServerHealthy: async () => true }
  expect(await told(down, receiver)).toEqual(['alert.document_server_down raised'])
  expect(await told(up, receiver)).toEqual([])
  expect(await told(down, receiver)).toEqual([])
  expect(await told(up, receiver)).toEqual([])
  await app.close()

  await using again = await startApp({
    docServer,
    dataDir: app.dataDir,
    env: { ALERT_WEBHOOK_URL: receiver.url },
  })
  expect(await told({ ...again.deps, isDocServerHealthy: async () => false }, receiver)).toEqual([])
  const recovered = { ...again.deps, isDocServerHealthy: async () => true }
  expect(await told(recovered, receiver, 2)).toEqual(['alert.document_server_down resolved'])
})

test('a Document Server that stops answering is noticed', async () => {
  await using receiver = await startReceiver()
  await using both = await startBoth({ env: { ALERT_WEBHOOK_URL: receiver.url } })
  await both.docServer.close()
  expect(await told(both.app.deps, receiver)).toEqual(['alert.document_server_down raised'])
})

test('a disk with less room than wanted is told of', async () => {
  await using receiver = await startReceiver()
  const env = { ALERT_WEBHOOK_URL: receiver.url, ALERT_DISK_FREE_BYTES: String(Number.MAX_SAFE_INTEGER) }
  await using app = await startApp({ env })
  expect(await told(app.deps, receiver)).toEqual(['alert.disk_low raised'])
  expect(receiver.received[0]?.data.freeBytes).toBeGreaterThan(0)
})

test('an alert that cannot be sent waits, and one check that fails keeps no other from being made', async () => {
  await using receiver = await startReceiver()
  await using app = await startApp({
    env: { ALERT_WEBHOOK_URL: receiver.url, ALERT_DISK_FREE_BYTES: String(Number.MAX_SAFE_INTEGER) },
  })
  receiver.answer = 500
  const folderless: Deps = { ...app.deps, config: { ...app.deps.config, DATA_DIR: '/nowhere/at/all' } }
  expect(await told(folderless, receiver)).toEqual([])
  expect(await told(app.deps, receiver)).toEqual(['alert.disk_low raised'])
  const deliveries = async () =>
    (await (await app.fetch('/api/webhooks/alert/deliveries', { as: ADMIN_TOKEN })).json()) as {
      deliveries: { id: string; state: string }[]
    }
  const [delivery] = (await deliveries()).deliveries
  expect(delivery).toMatchObject({ state: 'pending', lastStatus: 500 })
  receiver.answer = 200
  const retry = `/api/webhooks/alert/deliveries/${delivery?.id}/retry`
  expect((await app.fetch(retry, { method: 'POST', as: ADMIN_TOKEN })).status).toBe(200)
  await deliver(app)
  expect((await deliveries()).deliveries).toMatchObject([{ state: 'delivered' }])
})

test('without an address nothing is checked; only the administrator sees the secret', async () => {
  await using app = await startApp({ env: { ALERT_DISK_FREE_BYTES: String(Number.MAX_SAFE_INTEGER) } })
  await checkAlerts(app.deps)
  expect(await alertOf(app)).toMatchObject({ url: null, state: 'calm' })
  for (const path of ['/api/webhooks/alert', '/api/webhooks/alert/deliveries'])
    expect([403, 404]).toContain((await app.fetch(path)).status)
  expect((await app.fetch('/api/webhooks/alert/test', { method: 'POST', as: ADMIN_TOKEN })).status).toBe(200)
})
