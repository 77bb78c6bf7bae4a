import type { Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_TOKEN } from '../support/app.ts'
import { noBrowser, paragraphOf } from '../support/browser.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import {
  button,
  change,
  dialog,
  openDocumentPage,
  part,
  textOf,
  toasts,
  versionRows,
} from './document-support.ts'
import { openAt, PATIENT, type Stage, shown, startStage } from './editor-support.ts'

let stage: Stage
beforeAll(async () => {
  if (noBrowser === undefined) stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const uploaded = (name = 'Report.docx', paragraphs = ['One', 'Two']) =>
  stage.app.upload(name, makeDocx(paragraphs))

async function replace(id: string, paragraphs: string[]): Promise<void> {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(paragraphs))]), 'Report.docx')
  await stage.app.fetch(`/api/documents/${id}/content?force=true`, { method: 'PUT', body: form })
}

describe.skipIf(noBrowser !== undefined)(`the page of a document ${noBrowser ?? ''}`, () => {
  test('tells what it is, where it lies and what may be done, and complains of nothing', async () => {
    const id = await uploaded()
    await change(stage, 'PATCH', `/documents/${id}`, { folder: '/reports/2026' })
    await using opened = await openDocumentPage(stage, id)
    const { page, complaints } = opened
    expect(await page.textContent('h1')).toBe('Report')
    expect(await page.title()).toBe('Report · docs-connector')
    const facts = await textOf(part(page, 'facts'))()
    expect(facts).toMatch(/Type ?Text document, DOCX ?Size ?[\d.]+ k?B ?Folder ?\/reports\/2026 ?Changed/)
    expect(await part(page, 'way').getByRole('link').allTextContents()).toEqual(['Files', 'reports', '2026'])
    expect(await part(page, 'people').textContent()).toContain('Nobody has it open.')
    expect(await page.locator('#save-state').textContent()).toMatch(/^Saved \d\d:\d\d:\d\d$/)
    expect(await part(page, 'activity').textContent()).toMatch(/moved it from the top folder to/)
    expect(complaints).toEqual([])
  })

  test('shows times in the zone of the reader', async () => {
    const id = await uploaded()
    const storageState = await stage.context.storageState()
    const context = await stage.browser.newContext({
      locale: 'en-GB',
      timezoneId: 'Asia/Kolkata',
      storageState,
    })
    const page = await context.newPage()
    await page.goto(`${stage.app.url}/documents/${id}`)
    const time = part(page, 'facts').locator('time').first()
    const at = new Date((await time.getAttribute('datetime')) ?? '')
    const shownAt = at.toLocaleTimeString('en-GB', { timeZone: 'Asia/Kolkata', timeStyle: 'short' })
    await expect.poll(() => time.textContent()).toContain(shownAt)
    await context.close()
  })

  test('while another browser edits: who has it open, and every save, without a reload', async () => {
    const id = await uploaded()
    await change(stage, 'PUT', '/users/ann', { name: 'Ann' })
    await using watching = await openDocumentPage(stage, id)
    const { page } = watching
    await page.evaluate('window.isSamePage = true')
    const writer = await stage.context.newPage()
    const editor = await openAt(stage.app, writer, id, '?userId=ann&userName=Ann')
    await expect.poll(textOf(part(page, 'people')), PATIENT).toMatch(/Ann in the editor/)

    const states: string[] = []
    await page.exposeFunction('note', (words: string) => states.push(words))
    await page.evaluate(`new MutationObserver(() => note(document.getElementById('save-state').textContent))
      .observe(document.querySelector('[data-live=save-state]'), { childList: true, subtree: true, characterData: true })`)
    await paragraphOf(writer, 1).fill('Typed elsewhere')
    // The editor hands over what is typed a moment later.
    await expect
      .poll(() => change(stage, 'POST', `/documents/${id}/save`), PATIENT)
      .toMatchObject({ outcome: 'saved' })
    await expect.poll(() => states.at(-1), PATIENT).toMatch(/^Saved \d\d:\d\d:\d\d$/)
    expect(states[0]).toBe('Saving…')
    await expect.poll(() => versionRows(page).count(), PATIENT).toBe(2)
    expect(await textOf(versionRows(page).first())()).toMatch(/^Version 2 Current .*· Ann ·/)

    await stage.app.deps.events.publish(id, {
      type: 'save-state',
      state: 'not-saved',
      at: new Date().toISOString(),
    })
    await expect.poll(() => page.locator('#save-state').textContent(), PATIENT).toMatch(/^Not saved/)
    expect(await page.locator('#not-saved').isVisible()).toBe(true)
    // What the service holds for true comes back with the next look.
    await change(stage, 'PATCH', `/documents/${id}`, { folder: '/elsewhere' })
    await expect.poll(() => page.locator('#save-state').textContent(), PATIENT).toMatch(/^Saved/)

    await editor.page.close()
    await expect.poll(textOf(part(page, 'people')), PATIENT).toBe('Nobody has it open.')
    expect(await page.evaluate('window.isSamePage')).toBe(true)
  })

  test('a save that failed is told with what to do, also to a page that is opened later', async () => {
    const id = await uploaded()
    const { document } = await stage.app.config(id)
    await stage.app.deps.database
      .insertInto('saves')
      .values({
        id: crypto.randomUUID(),
        key: document.key,
        document_id: id,
        node: 'test',
        status: 2,
        author_id: 'ann',
        state: 'failed',
        error: 'download-failed',
        received_at: new Date().toISOString(),
        finished_at: new Date().toISOString(),
      })
      .execute()
    await using opened = await openDocumentPage(stage, id)
    await expect.poll(() => opened.page.locator('#save-state').textContent()).toMatch(/^Not saved \d/)
    expect(await opened.page.locator('#not-saved').textContent()).toContain('Leave the editor open')
  })

  test('restores an earlier version after asking', async () => {
    const id = await uploaded()
    await replace(id, ['Later'])
    await using opened = await openDocumentPage(stage, id)
    const { page, complaints } = opened
    await button(page, 'Restore version 1').click()
    expect(await dialog(page).textContent()).toContain('No version is lost')
    await button(dialog(page), 'Cancel').click()
    expect(await versionRows(page).count()).toBe(2)

    await button(page, 'Restore version 1').focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    await expect.poll(() => versionRows(page).count(), PATIENT).toBe(3)
    expect(await textOf(versionRows(page).first())()).toMatch(/^Version 3 Current Restored/)
    expect(docxParagraphs(await stage.app.download(id))).toEqual(['One', 'Two'])
    await expect
      .poll(textOf(part(page, 'activity')), PATIENT)
      .toContain('Administrator restored version 1 as version 3')
    expect(await page.evaluate('document.activeElement.id')).toMatch(/^restore-/)
    expect(complaints).toEqual([])
  })

  test('labels a version and takes the label off', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await button(page, 'Label version 1').click()
    await dialog(page).getByLabel('Label', { exact: true }).fill('Signed <b>')
    await page.keyboard.press('Enter')
    await expect.poll(() => versionRows(page).locator('.label').textContent(), PATIENT).toBe('Signed <b>')
    await button(page, 'Label version 1').click()
    expect(await dialog(page).getByLabel('Label', { exact: true }).inputValue()).toBe('Signed <b>')
    await dialog(page).getByLabel('Label', { exact: true }).fill('')
    await page.keyboard.press('Enter')
    await expect.poll(() => versionRows(page).locator('.label').count(), PATIENT).toBe(0)
  })

  test('a conflict and a recovered version say what they are and what to do', async () => {
    const id = await uploaded()
    const { database } = stage.app.deps
    const head = await database
      .selectFrom('versions')
      .selectAll()
      .where('document_id', '=', id)
      .executeTakeFirstOrThrow()
    for (const [index, kind] of (['conflict', 'recovery'] as const).entries()) {
      const version = { ...head, id: crypto.randomUUID(), number: index + 2, kind, key: crypto.randomUUID() }
      await database.insertInto('versions').values(version).execute()
    }
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    expect(await textOf(versionRows(page).nth(0))()).toMatch(/Version 3 Recovered .* may be damaged/)
    expect(await textOf(versionRows(page).nth(1))()).toMatch(
      /Version 2 Conflict .* take over what is missing/,
    )
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download version 2' }).click()
    expect((await download).suggestedFilename()).toBe('Report.docx')
  })

  test('renames in place: Enter saves, Escape keeps the old title', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await button(page, 'Rename').click()
    await page.keyboard.type('Not this')
    await page.keyboard.press('Escape')
    expect(await page.textContent('h1')).toBe('Report')
    expect(await page.evaluate('document.activeElement.id')).toBe('rename')
    await page.keyboard.press('Enter')
    await page.keyboard.type('Yearly report')
    await page.keyboard.press('Enter')
    await expect.poll(() => page.textContent('h1'), PATIENT).toBe('Yearly report')
    expect(await page.title()).toBe('Yearly report · docs-connector')
    expect(await stage.app.versions(id)).toMatchObject([{ kind: 'renamed' }, {}])
    await expect
      .poll(textOf(part(page, 'activity')), PATIENT)
      .toMatch(/renamed it from .*Report.* to .*Yearly report/)
  })

  test('moves, and copies to a page of its own', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await button(page, 'Move').click()
    await dialog(page).getByLabel('New folder in it').fill('archive')
    await button(dialog(page), 'Move here').click()
    await expect
      .poll(() => part(page, 'way').getByRole('link').allTextContents(), PATIENT)
      .toEqual(['Files', 'archive'])
    await button(page, 'Copy').click()
    await dialog(page).getByLabel('Title').fill('Second')
    await button(dialog(page), 'Copy here').click()
    await page.waitForURL((url) => !url.pathname.endsWith(id))
    expect(await page.textContent('h1')).toBe('Second')
    expect(await part(page, 'way').getByRole('link').allTextContents()).toEqual(['Files', 'archive'])
  })

  test('deleted, it says so and can be taken out of the trash again', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    await using other = await openDocumentPage(stage, id)
    const { page } = opened
    await button(page, 'Delete').click()
    await page.getByText('This document has been in the trash').waitFor()
    expect(await page.getByRole('link', { name: 'Open in editor' }).count()).toBe(0)
    await other.page.getByText('This document has been in the trash').waitFor()
    await button(page, 'Restore').click()
    await page.getByRole('link', { name: 'Open in editor' }).waitFor()
    await other.page.getByRole('link', { name: 'Open in editor' }).waitFor()
    expect(await textOf(part(page, 'activity'))()).toMatch(/took it out of the trash.*put it into the trash/)
  })

  test('opens it in the editor', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    await opened.page.getByRole('link', { name: 'Open in editor' }).click()
    await shown(opened.page.frameLocator('iframe[name=frameEditor]'))
  })

  test('hostile titles, authors and labels are words', async () => {
    const hostile = '"><img src=x onerror=alert(1)></h1><script>alert(1)</script>\u202ecod.exe'
    const id = await uploaded()
    const versions = await stage.app.versions(id)
    await change(stage, 'PATCH', `/documents/${id}`, { title: hostile, folder: '/<b>a</b>' })
    await change(stage, 'PATCH', `/documents/${id}/versions/${versions[0]?.id}`, {
      label: hostile.slice(0, 200),
    })
    const user = { id: 'x"><script>', name: '<img src=x onerror=alert(1)>' }
    await change(stage, 'POST', `/documents/${id}/links`, {
      grants: ['view'],
      user,
      options: { watermark: '<i>' },
    })
    await change(stage, 'POST', '/collaboration/join', {
      documentId: id,
      userId: user.id,
      userName: user.name,
    })
    await using opened = await openDocumentPage(stage, id)
    const { page, complaints } = opened
    let alerts = 0
    page.on('dialog', () => (alerts += 1))
    // Nothing turns the direction of an extension.
    const harmless = hostile.replace('\u202e', '')
    expect(await page.textContent('h1')).toBe(harmless)
    await button(page, 'Rename').click()
    expect(await page.getByLabel('New title').inputValue()).toBe(hostile)
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Revoke the link/ }).click()
    expect(await dialog(page).textContent()).toContain(user.name)
    await page.keyboard.press('Escape')
    expect(await page.locator('main img[src="x"], main script').count()).toBe(0)
    await change(stage, 'PATCH', `/documents/${id}`, { title: `${hostile}2` })
    await expect.poll(() => page.textContent('h1'), PATIENT).toBe(`${harmless}2`)
    expect(await page.locator('main img[src="x"], main script').count()).toBe(0)
    expect([alerts, complaints]).toEqual([0, []])
  })

  test.each([
    ['is cut', (route: Route) => route.abort()],
    ['ends at a proxy', (route: Route) => route.fulfill({ status: 502 })],
  ])('a connection that %s is told, and what happened meanwhile is there when it is back', async (_, cut) => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await page.route('**/live?*', cut)
    await page.reload()
    await page.getByText('The connection is lost').waitFor()
    await change(stage, 'PATCH', `/documents/${id}`, { title: 'Meanwhile' })
    await page.unroute('**/live?*')
    await page.getByText('The connection is lost').waitFor({ state: 'hidden' })
    await expect.poll(() => page.textContent('h1'), PATIENT).toBe('Meanwhile')
  })

  test('what is refused is told in the words of the service, and nothing typed is lost', async () => {
    const id = await uploaded()
    await using opened = await openDocumentPage(stage, id)
    const { page } = opened
    await page.route(`**/api/documents/${id}`, (route) => {
      const headers = { ...route.request().headers() }
      delete headers['x-csrf-token']
      return route.continue({ headers })
    })
    await button(page, 'Rename').click()
    await page.keyboard.type('Typed title')
    await page.keyboard.press('Enter')
    await expect.poll(() => toasts(page).textContent(), PATIENT).toContain('X-CSRF-Token')
    expect(await page.getByLabel('New title').inputValue()).toBe('Typed title')
    const { title } = (await change(stage, 'GET', `/documents/${id}`)) as { title: string }
    expect(title).toBe('Report')
  })

  test('an unknown document is a page that says so, and a stranger is sent to sign in', async () => {
    for (const id of [crypto.randomUUID(), 'x', '%00', '..%2f..']) {
      const answer = await stage.context.request.get(`${stage.app.url}/documents/${id}`, {
        headers: { accept: 'text/html' },
      })
      expect([id, answer.status(), (await answer.text()).includes('Document not found')]).toEqual([
        id,
        404,
        true,
      ])
    }
    const stranger = await fetch(`${stage.app.url}/documents/${await uploaded()}`, {
      redirect: 'manual',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    expect([stranger.status, stranger.headers.get('location')]).toEqual([303, '/'])
  })
})
