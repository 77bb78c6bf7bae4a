import { afterAll, describe, expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { RemoteDeliveries } from '../../src/core/remote/delivery.ts'
import { type FileManager, startFileManager } from '../remote/file-manager.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { noBrowser } from '../support/browser.ts'
import { makeDocx } from '../support/files.ts'
import { deliver, makeWebhook, type Receiver, startReceiver } from '../webhooks/support.ts'
import { gone, HOSTILE, looksWell, rowOf, SOON, told, useOperatorStage } from './operator-support.ts'

let receiver: Receiver
let manager: FileManager
const stage = useOperatorStage(async () => {
  receiver = await startReceiver()
  manager = await startFileManager()
  return {
    env: {
      WEBHOOK_ALLOWED_HOSTS: '127.0.0.1',
      FILE_ORIGINS: manager.origin,
      ALERT_WEBHOOK_URL: `${receiver.url}?token=alert-secret`,
    },
  }
})
afterAll(async () => {
  await receiver?.[Symbol.asyncDispose]()
  await manager?.[Symbol.asyncDispose]()
})

const json = { 'content-type': 'application/json' }

/** A file of another program that was edited here and cannot be delivered. */
async function undelivered(name: string): Promise<string> {
  manager.files.set(`/${name}.docx`, makeDocx(['Theirs']))
  const url = `${manager.origin}/${name}.docx`
  const response = await stage.app.fetch('/api/links', {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      url,
      name: `${name}.docx`,
      key: name,
      writeBack: { url, method: 'PUT' },
      user: { id: 'ann', name: 'Ann' },
    }),
  })
  const { documentId } = (await response.json()) as { documentId: string }
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['Ours']))]), `${name}.docx`)
  await stage.app.fetch(`/api/documents/${documentId}/content`, { method: 'PUT', body: form })
  return documentId
}

const deliverFiles = () => new RemoteDeliveries(stage.app.deps, new AbortController().signal).idle()

describe.skipIf(noBrowser !== undefined)(`operations ${noBrowser ?? ''}`, () => {
  test('a webhook whose deliveries fail is seen, tested and sent to again', async () => {
    const { app } = stage
    const webhook = await makeWebhook(app, `${receiver.url}?token=hook-secret`, ['document.deleted'])
    receiver.answer = 500
    const id = await app.upload('deleted.docx', makeDocx(['One']))
    await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
    await deliver(app)
    await app.deps.database
      .updateTable('webhook_deliveries')
      .set({ state: 'failed', next_attempt_at: null, finished_at: new Date().toISOString() })
      .where('webhook_id', '=', webhook.id)
      .execute()
    const page = await stage.visit('/operations/webhooks')
    expect(await page.content()).not.toContain('hook-secret')
    expect(await page.content()).not.toContain('alert-secret')
    const row = page.locator('tr', { has: page.locator(`#webhook-${webhook.id}`) })
    expect(await row.locator('.fault').textContent()).toBe('1')

    await row.getByRole('button', { name: /^Test/ }).click()
    await told(page).toBe('Not delivered: answered 500.')
    receiver.answer = 200
    await row.getByRole('button', { name: /^Test/ }).click()
    await told(page).toBe('Delivered: answered 200.')

    await row.getByRole('link').click()
    const delivery = page.getByRole('row').filter({ hasText: 'document.deleted' }).last()
    expect(await delivery.textContent()).toContain('failed')
    await delivery.getByRole('button', { name: /^Send again/ }).click()
    await told(page).toBe('It is sent again now.')
    await deliver(app)
    await expect.poll(() => page.locator('.badge.delivered').count(), SOON).toBe(1)
    expect(receiver.types()).toContain('document.deleted')
    expect(stage.complaints).toEqual([])
    await looksWell(stage, `/operations/webhooks?id=${webhook.id}`, { name: 'webhooks' })
  })

  test('a linked file that could not be delivered is delivered by Retry', async () => {
    manager.trouble = 403
    manager.troubleWith = 'PUT'
    const documentId = await undelivered('theirs')
    await deliverFiles()
    const { state } = await stage.app.deps.database
      .selectFrom('remote_files')
      .select('state')
      .where('document_id', '=', documentId)
      .executeTakeFirstOrThrow()
    const page = await stage.visit('/operations/links')
    const row = rowOf(page, 'theirs.docx')
    expect(await row.locator('.badge').textContent()).toBe(state)
    expect(await row.textContent()).toContain('403')
    await looksWell(stage, '/operations/links', { name: 'links' })

    manager.trouble = undefined
    await row.getByRole('button', { name: 'Retry theirs.docx' }).click()
    await told(page).toBe('It is delivered again now.')
    await deliverFiles()
    await page.getByText('All linked files are the same on both sides.').waitFor(SOON)
    expect(manager.puts().length).toBeGreaterThan(1)
  })

  test('the audit trail is filtered by action, person, document and day, in pages', async () => {
    const { app } = stage
    const id = await app.upload('audited.docx', makeDocx(['One']))
    for (let n = 0; n < 60; n += 1)
      await app.fetch(`/api/documents/${id}`, {
        method: 'PATCH',
        headers: json,
        body: JSON.stringify({ title: `${HOSTILE.replace('/', '')} ${n}` }),
      })
    await createApiKey(app.deps, { name: 'Other program', permissions: ['documents:read'] })
    const page = await stage.visit('/operations/audit')
    const rows = () => page.locator('tbody tr').count()
    expect(await rows()).toBe(50)
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.locator('tbody tr').nth(1).textContent()).toMatch(/Renamed.*“.* 58” → “.* 59”/s)
    await page.getByRole('link', { name: 'Older' }).click()
    expect(await rows()).toBeGreaterThan(10)
    await page.getByRole('link', { name: 'Newest' }).click()

    await page.getByLabel('Action').selectOption('api-key-created')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('link', { name: 'Show all' }).waitFor()
    expect(await page.locator('tbody').textContent()).toContain('Other program')
    expect(new Set(await page.locator('tbody td:nth-child(3)').allTextContents())).toEqual(
      new Set(['API key created']),
    )

    await page.getByRole('link', { name: 'Show all' }).click()
    await page.getByLabel('Document', { exact: true }).fill('onerror=ALERT')
    await page.getByLabel('Person', { exact: true }).fill('tests')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('link', { name: 'Show all' }).waitFor()
    expect(await rows()).toBe(50)

    await page.getByLabel('Person', { exact: true }).fill('nobody of this name')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByText('Nothing matches.').waitFor()

    await page.getByRole('link', { name: 'Show all' }).click()
    await page.getByLabel('To', { exact: true }).fill('2020-01-01')
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByText('Nothing matches.').waitFor()
    const address = await page.getByRole('link', { name: /^Export/ }).getAttribute('href')
    expect(address).toMatch(/export\?to=20(19|20)-/)
    expect(stage.complaints).toEqual([])
  })

  test('all of the audit trail is exported to a file', async () => {
    const page = await stage.visit('/operations/audit')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: /^Export/ }).click(),
    ])
    expect(download.suggestedFilename()).toBe('activity.ndjson')
    const lines = await download.createReadStream().then((stream) => stream.toArray())
    expect(Buffer.concat(lines).toString()).toContain('"action":"uploaded"')
    await looksWell(stage, '/operations/audit?person=tests', { name: 'audit' })
  })

  test('what is stored is counted', async () => {
    const page = await stage.visit('/operations/storage')
    const fact = (name: string) => page.locator('.facts > div', { hasText: name }).locator('dd').textContent()
    await expect.poll(() => fact('Stored files'), SOON).toMatch(/kB in \d+ files, counted/)
    expect(await fact('Documents')).toMatch(/^[2-9]/)
    expect(await fact('In the trash')).toMatch(/^1 document/)
    expect(await fact('Free on the disk')).toMatch(/of \d/)
    await looksWell(stage, '/operations/storage', { name: 'storage' })
  })

  test('a conversion is seen while it is under way', async () => {
    const { promise, resolve } = Promise.withResolvers<{ sha256: string; size: number; extension: string }>()
    stage.app.deps.knownConversions.set('0123 docx pdf', promise)
    const page = await stage.visit('/operations/conversions')
    await page.getByText('DOCX to PDF').waitFor()
    await looksWell(stage, '/operations/conversions', { name: 'conversions' })
    resolve({ sha256: '0', size: 1, extension: 'pdf' })
    await gone(page.getByText('DOCX to PDF'))
    stage.app.deps.knownConversions.delete('0123 docx pdf')
  })

  test('when the service is gone the page says that it may be old, and goes on afterwards', async () => {
    const page = await stage.visit('/operations/sessions')
    const path = '**/operations/sessions'
    await page.route(path, (route) => route.abort())
    await page.getByRole('alert').filter({ hasText: 'may be old' }).waitFor(SOON)
    await page.unroute(path)
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => page.locator('#stale').isVisible(), SOON).toBe(false)
  })
})

describe('who is not the administrator', () => {
  test
    .skipIf(noBrowser !== undefined)
    .each(['/operations', '/operations/saves', '/settings', '/admin/doctor'])(
    'is sent from %s to the sign-in',
    async (path) => {
      const response = await fetch(`${stage.app.url}${path}`, { redirect: 'manual' })
      expect([response.status, response.headers.get('location')]).toEqual([303, '/'])
      const bearer = { authorization: `Bearer ${ADMIN_TOKEN}` }
      const asBearer = await fetch(`${stage.app.url}${path}`, { redirect: 'manual', headers: bearer })
      expect(asBearer.status).toBe(303)
    },
  )
})
