import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openNow } from '../../src/core/open-now.ts'
import { noBrowser } from '../support/browser.ts'
import { makeDocx } from '../support/files.ts'
import { button, change, dialog, openDocumentPage, part, textOf, toasts } from './document-support.ts'
import { PATIENT, type Stage, shown, startStage } from './editor-support.ts'

let stage: Stage
beforeAll(async () => {
  if (noBrowser === undefined) stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const uploaded = () => stage.app.upload('Report.docx', makeDocx(['One', 'Two']))

describe.skipIf(noBrowser !== undefined)(`what leaves the page of a document ${noBrowser ?? ''}`, () => {
  test('a link lets a guest in until it is revoked; its address is shown once', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await button(page, 'New link').click()
    await dialog(page).getByLabel('They may').selectOption('comment')
    await dialog(page).getByLabel('Works').selectOption('7')
    await dialog(page).getByLabel('Watermark').fill('For {user}')
    await button(dialog(page), 'Make link').click()
    await page.getByRole('heading', { name: 'The link is made' }).waitFor()
    const url = await dialog(page).getByLabel('Address').inputValue()
    await button(dialog(page), 'Copy').click()
    await expect.poll(() => page.locator('#copied').textContent()).toMatch(/^(Copied|It is selected)/)
    await button(dialog(page), 'Done').click()
    expect(await page.content()).not.toContain(url)
    expect(await textOf(part(page, 'links'))()).toMatch(
      /^Guests may comment Works Made by Administrator · .* · until .* Watermark: For \{user\} Revoke$/,
    )

    const guest = await stage.browser.newContext()
    const visit = await guest.newPage()
    await visit.goto(url)
    await visit.getByLabel('name').fill('Passer-by')
    await visit.keyboard.press('Enter')
    await shown(visit.frameLocator('iframe[name=frameEditor]'))
    await expect.poll(textOf(part(page, 'people')), PATIENT).toBe('Passer-by in the editor')
    const open = await openNow(stage.app.deps, 'default', [id])
    expect(open.get(id)).toEqual(['Passer-by'])

    await page.getByRole('button', { name: /^Revoke the link/ }).click()
    await button(dialog(page), 'Revoke').click()
    await expect.poll(textOf(part(page, 'links')), PATIENT).toMatch(/^Guests may comment Revoked .* revoked /)
    const again = await guest.newPage()
    expect((await again.goto(url))?.status()).toBe(401)
    await guest.close()
    await expect
      .poll(textOf(part(page, 'activity')), PATIENT)
      .toMatch(/revoked a link.*made a link for guests, who may comment/)
  })

  test.each([
    ['look', 'view', ['view', 'download', 'print', 'copy']],
    ['suggest changes', 'review', ['view', 'review', 'comment', 'chat', 'download', 'print', 'copy']],
    ['fill in', 'fillForms', ['view', 'fillForms', 'download', 'print', 'copy']],
  ])('a link for one person who may %s', async (words, may, grants) => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await button(page, 'New link').click()
    await dialog(page).getByLabel('One person').check()
    await button(dialog(page), 'Make link').click()
    // A name is needed.
    expect(await page.evaluate('document.activeElement.name')).toBe('name')
    await dialog(page).getByLabel('Name', { exact: true }).fill('Bea <i>')
    await dialog(page).getByLabel('They may').selectOption(may)
    await dialog(page).getByLabel('Works').selectOption('at')
    await dialog(page).getByLabel('Until', { exact: true }).fill('2099-01-15T10:30')
    await button(dialog(page), 'Make link').click()
    await button(dialog(page), 'Done').click()
    expect(await textOf(part(page, 'links'))()).toContain(`Bea <i> may ${words} Works`)
    const { links } = (await change(stage, 'GET', `/documents/${id}/links`)) as { links: object[] }
    expect(links).toMatchObject([{ grants, user: { id: 'Bea <i>', name: 'Bea <i>' } }])
  })

  test('downloads it, and as another format', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    const plain = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download', exact: true }).click()
    expect((await plain).suggestedFilename()).toBe('Report.docx')

    await page.getByText('Download as').click()
    expect(await page.getByRole('list', { name: 'Formats' }).getByRole('link').allTextContents()).toContain(
      'ODT',
    )
    const converted = page.waitForEvent('download')
    await page.getByRole('link', { name: 'TXT' }).click()
    const file = await converted
    expect(file.suggestedFilename()).toBe('Report.txt')
    expect(await readFile(await file.path(), 'utf8')).toBe('One\nTwo')
    expect(await page.getByRole('link', { name: 'TXT' }).isVisible()).toBe(false)
  })

  test('a conversion that fails is told in words', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await page.route('**/download?format=odt', (route) =>
      route.fulfill({
        status: 422,
        json: { code: 'conversion-failed', detail: 'the file is protected by a password' },
      }),
    )
    await page.getByText('Download as').click()
    await page.getByRole('link', { name: 'ODT' }).click()
    await expect
      .poll(() => toasts(page).textContent(), PATIENT)
      .toContain('the file is protected by a password')
    expect(page.url()).toContain(`/documents/${id}`)
  })
})
