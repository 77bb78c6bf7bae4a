import { Readable } from 'node:stream'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { templateFile } from '../../src/core/templates.ts'
import { ThumbnailQueue } from '../../src/core/thumbnails/queue.ts'
import { hasLibreOffice } from '../conversions/support.ts'
import { noBrowser } from '../support/browser.ts'
import { makeDocx } from '../support/files.ts'
import { LOOKS, SHOTS } from '../support/looks.ts'
import { change, lookAt, openDocumentPage, seriousFaults } from './document-support.ts'
import { openAt, PATIENT, type Stage, startStage } from './editor-support.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
)

let stage: Stage
/** A document with a bit of everything. */
let full: string
/** One that was just made. */
let plain: string
/** One in the trash. */
let trashed: string
beforeAll(async () => {
  if (noBrowser !== undefined) return
  stage = await startStage()
  full = await makeFull()
  plain = await stage.app.upload('Numbers.xlsx', await templateFile('sheet-budget'))
  trashed = await stage.app.upload('Old plan.pptx', await templateFile('slide-pitch'))
  await change(stage, 'DELETE', `/documents/${trashed}`)
  const opened = await stage.context.newPage()
  await opened.goto(`${stage.app.url}/documents/${full}`)
  await opened.close()
  if (await hasLibreOffice()) await new ThumbnailQueue(stage.app.deps, new AbortController().signal).idle()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

async function makeFull(): Promise<string> {
  const { deps } = stage.app
  const id = await stage.app.upload('Yearly report.docx', await templateFile('doc-report'))
  const [first] = await stage.app.versions(id)
  await change(stage, 'PUT', '/users/ann', { name: 'Ann Example' })
  await change(stage, 'PATCH', `/documents/${id}/versions/${first?.id}`, { label: 'Signed' })
  await change(stage, 'PATCH', `/documents/${id}`, {
    title: 'Yearly report of the association with a title that needs more than one line on a telephone',
    folder: '/reports/2026',
  })
  const head = await deps.database
    .selectFrom('versions')
    .selectAll()
    .where('document_id', '=', id)
    .where('number', '=', 1)
    .executeTakeFirstOrThrow()
  for (const [index, kind] of (['conflict', 'recovery'] as const).entries()) {
    const others = { number: index + 3, kind, key: crypto.randomUUID(), label: null, author_name: 'Bea' }
    await deps.database
      .insertInto('versions')
      .values({ ...head, ...others, id: crypto.randomUUID() })
      .execute()
  }
  await deps.database.updateTable('documents').set({ last_version_number: 4 }).where('id', '=', id).execute()
  await change(stage, 'POST', `/documents/${id}/versions/${first?.id}/restore`)
  const links = `/documents/${id}/links`
  const expiresAt = '2099-01-15T10:30:00Z'
  await change(stage, 'POST', links, {
    grants: ['edit', 'download'],
    user: { id: 'bea', name: 'Bea Example' },
  })
  await change(stage, 'POST', links, {
    grants: ['comment'],
    expiresAt,
    options: { watermark: '{user} {date}' },
  })
  const old = (await change(stage, 'POST', links, { grants: ['view'] })) as { id: string }
  await change(stage, 'DELETE', `${links}/${old.id}`)
  for (const name of ['Cyd', 'Dee'])
    await change(stage, 'POST', '/collaboration/join', { documentId: id, userId: name, userName: name })
  return id
}

const shoot = async (page: Page, name: string) => {
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/document-${name}.png`, fullPage: true })
}

async function demandAccessible(page: Page, name: string): Promise<void> {
  expect(await seriousFaults(page)).toEqual([])
  expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
  await shoot(page, name)
}

const CONTEXTS = LOOKS.map(({ width, colorScheme }): [string, BrowserContextOptions] => [
  `${width}-${colorScheme}`,
  { colorScheme, viewport: { width, height: 900 } },
])

describe.skipIf(noBrowser !== undefined)(`how the page of a document looks ${noBrowser ?? ''}`, () => {
  test.each(CONTEXTS)(
    '%s: nothing is seriously inaccessible, and nothing is cut off',
    async (look, options) => {
      await using on = await lookAt(stage, options)
      const { page } = on
      await page.goto(`${stage.app.url}/documents/${full}`)
      await page.locator('#save-state:not(:text-is("Saved"))').waitFor()
      await demandAccessible(page, look)
      await stage.app.deps.events.publish(full, {
        type: 'save-state',
        state: 'saving',
        at: new Date().toISOString(),
      })
      await page.getByText('Saving…').waitFor()
      expect(await seriousFaults(page)).toEqual([])
      await stage.app.deps.events.publish(full, {
        type: 'save-state',
        state: 'not-saved',
        at: new Date().toISOString(),
      })
      await page.getByText('Not saved').waitFor()
      await page.getByRole('button', { name: 'Rename', exact: true }).click()
      await page.getByText('Download as').click()
      await demandAccessible(page, `${look}-not-saved`)
      await page.keyboard.press('Escape')

      for (const [name, dialog] of [
        ['New link', 'link'],
        ['Restore version 2', 'restore'],
        ['Label version 1', 'label'],
        ['Copy', 'folder'],
      ]) {
        await page.getByRole('button', { name: name ?? '', exact: true }).click()
        const shown = page.locator(`#${dialog}-dialog`)
        await shown.waitFor()
        if (dialog === 'link') await shown.getByLabel('One person').check()
        expect(await seriousFaults(page)).toEqual([])
        if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/document-${look}-${dialog}.png` })
        await page.keyboard.press('Escape')
      }
      await page.goto(`${stage.app.url}/documents/${plain}`)
      await demandAccessible(page, `${look}-plain`)
      await page.goto(`${stage.app.url}/documents/${trashed}`)
      await demandAccessible(page, `${look}-trashed`)
    },
  )

  test('these tests find what is inaccessible', async () => {
    await using on = await lookAt(stage, {})
    const { page } = on
    await page.goto(`${stage.app.url}/documents/${plain}`)
    await page.evaluate("document.getElementById('save-state').style.color = '#ddd'")
    await page.evaluate("document.getElementById('copy').textContent = ''")
    const faults = await seriousFaults(page)
    expect(faults.map((fault) => fault.split(':')[0]).toSorted()).toEqual(['button-name', 'color-contrast'])
  })

  test('the keyboard goes through the page in the order in which it is read', async () => {
    await using opened = await openDocumentPage(stage, plain)
    const { page } = opened
    await page.locator('#heading').focus()
    const order: unknown[] = []
    for (let step = 0; step < 10; step += 1) {
      await page.keyboard.press('Tab')
      order.push(
        await page.evaluate('document.activeElement.ariaLabel || document.activeElement.textContent.trim()'),
      )
    }
    expect(order).toEqual([
      'Rename',
      'Open in editor',
      'Download',
      'Download as',
      'Copy',
      'Move',
      'Delete',
      'Files',
      'Download version 1',
      'Label version 1',
    ])
  })

  test('whoever works with the keyboard stays where they are when something happens', async () => {
    const id = await stage.app.upload('Kept.docx', makeDocx(['One']))
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await page.getByRole('button', { name: 'Label version 1' }).focus()
    await change(stage, 'PATCH', `/documents/${id}`, { title: 'Kept, too' })
    await expect.poll(() => page.textContent('h1'), PATIENT).toBe('Kept, too')
    await expect.poll(() => page.locator('.row').count(), PATIENT).toBe(2)
    expect(await page.evaluate('document.activeElement.ariaLabel')).toBe('Label version 1')
  })

  test('an action ends well when something else happens meanwhile', async () => {
    const id = await stage.app.upload('Busy.docx', makeDocx(['One']))
    await using opened = await openDocumentPage(stage, id)
    const { page, complaints } = opened
    // The first look at what was changed waits for the second, which takes its place.
    const second = Promise.withResolvers<void>()
    let looks = 0
    let isChanged = false
    await page.route(`**/documents/${id}`, async (route) => {
      if (route.request().method() === 'PATCH') isChanged = true
      if (route.request().method() !== 'GET' || !isChanged) return route.continue()
      looks += 1
      if (looks === 1) await second.promise
      else second.resolve()
      await route.continue()
    })
    await page.getByRole('button', { name: 'Rename', exact: true }).click()
    await page.keyboard.type('Calm')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.textContent('h1'), PATIENT).toBe('Calm')
    await expect.poll(() => page.locator('#rename-form').isHidden(), PATIENT).toBe(true)
    expect(looks).toBeGreaterThan(1)
    expect(complaints).toEqual([])
  })

  test('the picture of the first page is there as soon as it is made', async () => {
    const id = await stage.app.upload('Pictured.docx', makeDocx(['Pictured', 'as no other document is']))
    await using opened = await openDocumentPage(stage, id)
    const { page, complaints } = opened
    await page.getByText('A picture of the first page is being made').waitFor()
    expect(await page.getByRole('img', { name: 'Text document' }).isVisible()).toBe(true)
    const { blobs, database } = stage.app.deps
    const blob = await blobs.put(Readable.from([PNG]), { maxBytes: 1000 })
    await database
      .updateTable('thumbnails')
      .set({ ...blob, next_attempt_at: null })
      .where('next_attempt_at', 'is not', null)
      .execute()
    const picture = page.getByRole('img', { name: 'First page of Pictured' })
    await picture.waitFor()
    const width =
      "document.querySelector('.preview img').decode().then(() => document.images[0].naturalWidth)"
    expect(await page.evaluate(width)).toBe(1)
    expect(complaints).toEqual([])
  })

  test('a document that has been edited for years shows the newest first and the rest when asked', async () => {
    const id = await stage.app.upload('Long.docx', makeDocx(['One']))
    const { database } = stage.app.deps
    const head = await database
      .selectFrom('versions')
      .selectAll()
      .where('document_id', '=', id)
      .executeTakeFirstOrThrow()
    const older = Array.from({ length: 60 }, (_, index) => ({
      ...head,
      id: crypto.randomUUID(),
      key: crypto.randomUUID(),
      number: index + 2,
    }))
    await database.insertInto('versions').values(older).execute()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    expect(await page.locator('.row').count()).toBe(20)
    await page.getByRole('link', { name: 'Show 41 older versions' }).click()
    await expect.poll(() => page.locator('.row').count(), PATIENT).toBe(61)
  })

  test('who is in the editor is seen by a person who opens the page later', async () => {
    const id = await stage.app.upload('Open.docx', makeDocx(['One']))
    const writer = await stage.context.newPage()
    await openAt(stage.app, writer, id, '?userId=ann&userName=Ann')
    await using opened = await openDocumentPage(stage, id)
    await expect.poll(() => opened.page.locator('.people').textContent(), PATIENT).toContain('Ann Example')
    await writer.close()
  })
})
