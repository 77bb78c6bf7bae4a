import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { DEFAULT_WORKSPACE_ID } from '../../src/metadata/schema.ts'
import { shownConfiguration } from '../../src/pages/settings/configuration.ts'
import { noBrowser } from '../support/browser.ts'
import { isScaled } from '../support/scale.ts'
import { confirmIn, HOSTILE, looksWell, rowOf, SOON, told, useOperatorStage } from './operator-support.ts'

const stage = useOperatorStage(() => ({
  env: {
    EDITOR_CUSTOMIZATION: '{"compactToolbar":true}',
    METRICS_TOKEN: 'metrics-secret-0123456789',
    ALERT_WEBHOOK_URL: 'https://alerts.example.com/hook?token=alert-secret',
    FORCESAVE_INTERVAL_S: '45',
  },
}))

const PATH = '/settings/api-keys'

/** What a program gets for the key that the dialog shows. */
async function signIn(page: Page): Promise<{ status: number; json: { token: string } }> {
  const body = JSON.stringify({
    apiKey: await page.locator('#secret-key').inputValue(),
    secret: await page.locator('#secret-value').inputValue(),
  })
  const headers = { 'content-type': 'application/json' }
  const response = await stage.app.fetch('/api/auth/token', { method: 'POST', as: null, headers, body })
  return { status: response.status, json: (await response.json()) as { token: string } }
}

const keyNamed = (name: string) =>
  stage.app.deps.database
    .selectFrom('api_keys')
    .selectAll()
    .where('name', '=', name)
    .executeTakeFirstOrThrow()

describe.skipIf(noBrowser !== undefined)(`settings ${noBrowser ?? ''}`, () => {
  test('a key is made in the workspace of the pages, and its secret is shown once', async () => {
    const page = await stage.visit('/settings')
    await page.getByRole('button', { name: 'New API key' }).click()
    const dialog = page.getByRole('dialog', { name: 'New API key' })
    await dialog.getByLabel('Name').fill('Reporting')
    await dialog.getByLabel('make, change and delete documents').uncheck()
    await dialog.getByLabel('Works until').fill('2099-05-31')
    await dialog.getByLabel('Sites that may frame').fill('https://*.example.com https://b.example')
    await dialog.getByRole('button', { name: 'Make the key' }).click()

    const shown = page.getByRole('dialog', { name: 'Secret of Reporting' })
    await shown.getByText('This secret is shown this once.').waitFor()
    expect(await page.evaluate('document.activeElement.dataset.copy')).toBe('secret-value')
    expect((await signIn(page)).status).toBe(200)
    await stage.context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await shown.getByRole('button', { name: 'Copy' }).last().click()
    await expect.poll(() => page.locator('#copy-state').textContent(), SOON).toBe('Copied.')
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^nuto_sk_/)
    const row = await keyNamed('Reporting')
    expect(row).toMatchObject({
      workspace_id: DEFAULT_WORKSPACE_ID,
      permissions: '["documents:read","collaboration:join"]',
      frame_ancestors: '["https://*.example.com","https://b.example"]',
    })
    expect(row.expires_at).toMatch(/^2099-0(5-31|6-01)/)

    await shown.getByRole('button', { name: 'I have copied it' }).click()
    await rowOf(page, 'Reporting').waitFor()
    expect(await page.locator('#secret-value').inputValue()).toBe('')
    expect(await page.content()).not.toContain('nuto_sk_')
    expect(stage.complaints).toEqual([])
  })

  test('a key gets a new workspace of its own when that is chosen; without a permission none is made', async () => {
    const page = await stage.visit(PATH)
    await page.getByRole('button', { name: 'New API key' }).click()
    const dialog = page.getByRole('dialog', { name: 'New API key' })
    for (const box of await dialog.getByRole('checkbox').all()) await box.uncheck()
    await dialog.getByLabel('Name').fill('Elsewhere')
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    await dialog.getByText('Choose at least one thing that it may do.').waitFor()
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Elsewhere')
    await dialog.getByLabel('read documents').check()
    await dialog.getByLabel('Workspace').selectOption('')
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    await page.getByRole('dialog', { name: 'Secret of Elsewhere' }).waitFor()
    expect((await keyNamed('Elsewhere')).workspace_id).not.toBe(DEFAULT_WORKSPACE_ID)
  })

  test('what the service refuses of a new key is told, and what was filled in is still there', async () => {
    const page = await stage.visit(PATH)
    await page.getByRole('button', { name: 'New API key' }).click()
    const dialog = page.getByRole('dialog', { name: 'New API key' })
    await dialog.getByLabel('Name').fill('Wrongly framed')
    await dialog.getByLabel('Sites that may frame').fill('javascript:alert(1)')
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    await expect.poll(() => dialog.getByRole('alert').textContent(), SOON).toContain('https://*.example.com')
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Wrongly framed')
  })

  test('a key is renamed, gets a new secret while the old one works on, and is revoked', async () => {
    const { app } = stage
    const made = await createApiKey(app.deps, { name: 'Old name', permissions: ['documents:read'] })
    const page = await stage.visit(PATH)
    await rowOf(page, 'Old name').getByRole('button', { name: 'Rename' }).click()
    const dialog = page.getByRole('dialog', { name: 'Rename the key' })
    expect(await dialog.getByLabel('Name').inputValue()).toBe('Old name')
    await dialog.getByLabel('Name').fill(HOSTILE)
    await dialog.getByRole('button', { name: 'Rename' }).click()
    await told(page).toBe('Renamed.')
    const row = rowOf(page, made.apiKey)
    await expect.poll(() => row.textContent(), SOON).toContain('onerror=alert(1)')
    expect(await page.locator('main img').count()).toBe(0)

    await confirmIn(page, row, /^New secret for/)
    await page.getByRole('dialog', { name: /^Secret of/ }).waitFor()
    expect(await page.locator('#secret-value').inputValue()).not.toBe(made.secret)
    expect((await signIn(page)).status).toBe(200)
    await page.getByRole('button', { name: 'I have copied it' }).click()

    await confirmIn(page, row, /^Revoke/)
    await told(page).toBe('Revoked.')
    await expect.poll(() => row.textContent(), SOON).toContain('revoked')
    expect(await row.getByRole('button').count()).toBe(0)
    expect(stage.complaints).toEqual([])
  })

  test('colours that were chosen stay, and the system decides again when it is asked to', async () => {
    const page = await stage.visit('/settings/appearance')
    const colours = () => page.evaluate('getComputedStyle(document.documentElement).colorScheme')
    expect(await colours()).toBe('light dark')
    await page.getByLabel('dark').check()
    expect(await colours()).toBe('dark')
    await page.goto(`${stage.app.url}/operations/sessions`)
    expect(await colours()).toBe('dark')
    await page.goto(`${stage.app.url}/settings/appearance`)
    expect(await page.getByLabel('dark').isChecked()).toBe(true)
    await page.getByLabel('same as the system').check()
    await page.reload()
    expect(await colours()).toBe('light dark')
    expect(await page.locator('pre').textContent()).toContain('"compactToolbar": true')
  })

  test('the configuration is shown, and none of its secrets', async () => {
    const page = await stage.visit('/settings/configuration')
    const html = await page.content()
    for (const secret of [
      'metrics-secret',
      'alert-secret',
      'tests-admin-token',
      stage.app.deps.config.ONLYOFFICE_JWT_SECRET ?? '',
    ])
      expect(html).not.toContain(secret)
    const cells = (name: string) =>
      page.getByRole('row').filter({ hasText: name }).first().getByRole('cell').allTextContents()
    expect(await cells('METRICS_TOKEN')).toEqual(['METRICS_TOKEN', 'set', 'environment'])
    expect(await cells('ROOT_SECRET')).toEqual(
      isScaled ? ['ROOT_SECRET', 'set', 'environment'] : ['ROOT_SECRET', 'not set', 'default'],
    )
    expect(await cells('FORCESAVE_INTERVAL_S')).toEqual(['FORCESAVE_INTERVAL_S', '45', 'environment'])
    expect(await cells('TRASH_DAYS')).toEqual(['TRASH_DAYS', '30', 'default'])
    expect(await cells('MAX_FILE_BYTES')).toEqual(['MAX_FILE_BYTES', '2147483648 (2.1 GB)', 'default'])
  })

  test('the address of a database is shown without its password', () => {
    const { config } = stage.app.deps
    const shown = (DATABASE_URL: string) =>
      shownConfiguration({ ...config, DATABASE_URL })
        .flatMap(({ settings }) => settings)
        .find(({ name }) => name === 'DATABASE_URL')?.value
    expect(shown('postgres://docs:p@ss@db:5432/docs')).toBe('postgres://…@db:5432/docs')
    expect(shown('postgres://db/docs?user=docs&password=pass&ssl=1')).toBe(
      'postgres://db/docs?user=docs&password=…&ssl=1',
    )
  })

  test('every setting is shown on one of the pages', () => {
    const { config } = stage.app.deps
    const shown = shownConfiguration(config).flatMap(({ settings }) => settings.map(({ name }) => name))
    const elsewhere = ['EDITOR_CUSTOMIZATION', 'PATH', 'isEmulated']
    expect(Object.keys(config).filter((name) => !shown.includes(name) && !elsewhere.includes(name))).toEqual(
      [],
    )
  })

  test('it looks well', async () => {
    await createApiKey(stage.app.deps, {
      name: 'A program with quite a long name that says what it is for',
      permissions: ['documents:read', 'documents:write', 'collaboration:join'],
      frameAncestors: ['https://*.example.com'],
    })
    await looksWell(stage, PATH, { name: 'settings-keys' })
    await looksWell(stage, PATH, {
      name: 'settings-make',
      prepare: (page) => page.getByRole('button', { name: 'New API key' }).click(),
    })
    await looksWell(stage, PATH, {
      name: 'settings-secret',
      async prepare(page) {
        await page.getByRole('button', { name: /^New secret for A program/ }).click()
        await page.locator('#confirm-yes').click()
        await page.getByRole('dialog', { name: /^Secret of/ }).waitFor()
      },
    })
  }, 120_000)

  test('how things look and are configured looks well', async () => {
    await looksWell(stage, '/settings/appearance', { name: 'settings-appearance' })
    await looksWell(stage, '/settings/configuration', { name: 'settings-configuration' })
  }, 120_000)
})
