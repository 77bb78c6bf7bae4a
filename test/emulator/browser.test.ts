import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readText } from '../../src/emulator/content.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { documentAt, signed, startHost } from './host.ts'
import { eventsOf, openPage, PATIENT, startSite } from './site.ts'

let browser: Browser

beforeAll(async () => {
  if (noBrowser === undefined) browser = await startBrowser()
})
afterAll(() => browser?.close())

describe.skipIf(noBrowser)('the editor page in Chromium', () => {
  test('two people write in one docx, and closing the tabs saves it', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('alice', documentAt(host, { key: 'shared', user: 'alice' }))
    site.show('bob', documentAt(host, { key: 'shared', user: '<b>bob</b>' }))
    const alice = await openPage(browser, `${site.url}/host/alice`)
    const bob = await openPage(browser, `${site.url}/host/bob`)
    await bob.frame.locator('[data-paragraph="0"]').waitFor()
    await alice.frame.getByText('<B>BOB</B>').waitFor()

    await alice.frame.locator('[data-paragraph="0"]').fill('typed by <alice>')
    await bob.frame.getByText('typed by <alice>').waitFor()
    await bob.frame.locator('[data-paragraph="1"]').press('Enter')
    await bob.page.keyboard.type('added by bob')
    await alice.frame.getByText('added by bob').waitFor()
    expect(site.emulator.editorsOf('shared')).toEqual(['alice', '<b>bob</b>'])
    await alice.frame.getByRole('button', { name: 'Save' }).click()
    await alice.frame.getByText('Saved').waitFor()
    expect(host.last(6)).toMatchObject({ forcesavetype: 1, actions: [{ type: 2, userid: 'alice' }] })
    if (process.env.SCREENSHOT) await alice.page.screenshot({ path: process.env.SCREENSHOT })
    const events = (await eventsOf(alice.page)).map(([name, data]) =>
      typeof data === 'boolean' ? data : name,
    )
    expect(events).toEqual(['onAppReady', 'onInfo', 'onDocumentReady', true, false])
    expect([...alice.problems, ...bob.problems]).toEqual([])

    await alice.page.close()
    await bob.page.close()
    await expect.poll(() => host.statuses().at(-1), PATIENT).toBe(2)
    const saved = Buffer.from(await (await fetch(String(host.last(2).url))).arrayBuffer())
    expect(readText(saved, 'docx')).toEqual(['typed by <alice>', 'second', 'added by bob'])
  })

  test('text typed just before the editor is taken away is saved', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { key: 'text', fileType: 'txt', bytes: Buffer.from('old') }))
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.locator('textarea').fill('new\nlines')
    await page.evaluate('window.editor.destroyEditor()')
    expect(await page.locator('#placeholder').count()).toBe(1)
    await expect.poll(() => host.statuses().at(-1), PATIENT).toBe(2)
    expect(await (await fetch(String(host.last(2).url))).text()).toBe('new\nlines')
    await page.close()
  })

  test('a viewer cannot type and sends no callback', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { mode: 'view' }))
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.getByText('View only').waitFor()
    expect(await frame.locator('[data-paragraph="0"]').getAttribute('contenteditable')).toBe('false')
    expect(await frame.getByRole('button', { name: 'Save' }).count()).toBe(0)
    await page.close()
    await site.emulator.settled()
    expect(host.statuses()).toEqual([])
  })

  test('strict mode keeps the text in the tab until Save', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { key: 'strict', strict: true }))
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.locator('[data-paragraph="0"]').fill('mine')
    await page.waitForTimeout(300)
    const other = await site.emulator.open(documentAt(host, { key: 'strict', user: 'bob' }))
    expect(other.paragraphs()).toEqual(['first', 'second'])
    await frame.locator('[data-paragraph="0"]').press('Control+s')
    await expect.poll(() => other.paragraphs(), PATIENT).toEqual(['mine', 'second'])
    await page.close()
  })

  test('a bad token, a renamed document and a new key reach the host page', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const good = documentAt(host, { key: 'moving' })
    site.show('good', good)
    site.show('bad', signed(good, 'another-secret-0123456789abcdef0123'))
    const bad = await openPage(browser, `${site.url}/host/bad`)
    await bad.frame.getByText('The token is not valid').waitFor()
    expect(await eventsOf(bad.page)).toContainEqual(['onError', expect.objectContaining({ errorCode: -20 })])
    await bad.page.close()

    const { page, frame } = await openPage(browser, `${site.url}/host/good`)
    await frame.locator('[data-paragraph="0"]').fill('under the old key')
    await page.waitForTimeout(300)
    const next = documentAt(host, { key: 'moved' })
    await page.evaluate(`window.editor.refreshFile(${JSON.stringify(next)})`)
    await frame.getByText('first').waitFor()
    await expect.poll(() => host.statuses('moving'), PATIENT).toEqual([1, 2])
    expect(site.emulator.editorsOf('moved')).toEqual(['alice'])
    await page.close()
  })
})
