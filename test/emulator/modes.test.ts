import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { command, documentAt, startHost } from './host.ts'
import { BASIC_EVENTS, callEditor, eventsOf, openPage, PATIENT, startSite } from './site.ts'

let browser: Browser
beforeAll(async () => {
  if (noBrowser === undefined) browser = await startBrowser()
})
afterAll(() => browser?.close())

const EVENTS = [...BASIC_EVENTS, 'onCollaborativeChanges', 'onPluginsReady']

describe.skipIf(noBrowser)('modes of the editor in Chromium', () => {
  test('unsaved text of strict mode is changed, not saved by force, and lost by closing', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { key: 's', strict: true }), EVENTS)
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.locator('[data-paragraph="0"]').fill('mine')
    await page.waitForTimeout(300)
    expect((await eventsOf(page)).at(-1)).toEqual(['onDocumentStateChange', true])
    expect(await command(site.emulator.publicUrl, { c: 'forcesave', key: 's' })).toMatchObject({ error: 4 })
    await callEditor(page, 'requestClose')
    await frame.getByText('You have unsaved text.').waitFor()
    expect(await eventsOf(page)).not.toContainEqual(['onRequestClose', undefined])
    await frame.getByRole('button', { name: 'Leave it' }).click()
    await expect.poll(() => eventsOf(page), PATIENT).toContainEqual(['onRequestClose', undefined])
    await page.close()
    await expect.poll(() => host.statuses('s'), PATIENT).toEqual([1, 4])
  })

  test('refreshFile discards unsaved text of strict mode', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { key: 's1', strict: true }), EVENTS)
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.locator('[data-paragraph="0"]').fill('mine')
    await callEditor(page, 'refreshFile', documentAt(host, { key: 's2', strict: true }))
    await frame.getByText('first').waitFor()
    await expect.poll(() => host.statuses('s1'), PATIENT).toEqual([1, 4])
    expect((await eventsOf(page)).at(-1)).toEqual(['onDocumentStateChange', false])
    await page.close()
  })

  test('the switch hands unsaved text over, and is hidden where the config forbids it', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { key: 'm', strict: true }), EVENTS)
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    const other = await site.emulator.open(documentAt(host, { key: 'm', user: 'bob' }))
    await frame.getByText('BOB').waitFor()
    other.type(1, 'by bob')
    await expect.poll(() => eventsOf(page), PATIENT).toContainEqual(['onCollaborativeChanges', undefined])
    await frame.locator('[data-paragraph="0"]').fill('mine')
    expect(await frame.locator('[data-paragraph="1"]').textContent()).toBe('second')
    await frame.locator('[data-co-editing="strict"]').click()
    await frame.locator('[data-co-editing="fast"]').waitFor()
    await expect.poll(() => other.paragraphs(), PATIENT).toEqual(['mine', 'by bob'])
    await frame.getByText('by bob').waitFor()
    await page.close()

    const editorConfig = { coEditing: { mode: 'fast', change: false } }
    site.show('two', documentAt(host, { editorConfig }), EVENTS)
    const fixed = await openPage(browser, `${site.url}/host/two`)
    await fixed.frame.locator('[data-paragraph="0"]').waitFor()
    expect(await fixed.frame.locator('[data-co-editing]').isVisible()).toBe(false)
    await fixed.page.close()
  })

  test('a live viewer sees what is typed, a strict one does not', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const editor = await site.emulator.open(documentAt(host, { key: 'v' }))
    site.show('live', documentAt(host, { key: 'v', mode: 'view' }), EVENTS)
    site.show('strict', documentAt(host, { key: 'v', mode: 'view', strict: true }), EVENTS)
    const live = await openPage(browser, `${site.url}/host/live`)
    const strict = await openPage(browser, `${site.url}/host/strict`)
    await live.frame.getByText('View only').waitFor()
    await strict.frame.getByText('View only').waitFor()
    editor.type(0, 'news')
    await live.frame.getByText('news').waitFor()
    expect(await strict.frame.locator('[data-paragraph="0"]').textContent()).toBe('first')
    expect(await eventsOf(strict.page)).not.toContainEqual(['onCollaborativeChanges', undefined])
    await live.page.close()
    await strict.page.close()
  })

  test('a dropped tab is disabled for good', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { key: 'd' }), EVENTS)
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.locator('[data-paragraph="0"]').waitFor()
    await command(site.emulator.publicUrl, { c: 'drop', key: 'd', users: ['alice'] })
    await frame.getByText('The file cannot be accessed right now.').waitFor()
    const warning = { warningCode: -100, warningDescription: 'The file cannot be accessed right now.' }
    expect(await eventsOf(page)).toContainEqual(['onWarning', warning])
    await callEditor(page, 'refreshFile', documentAt(host, { key: 'd2' }))
    await expect.poll(() => site.emulator.methodCalls('d2').length, PATIENT).toBe(1)
    await site.emulator.settled()
    expect(site.emulator.editorsOf('d2')).toEqual([])
    expect(await frame.locator('[data-paragraph="0"]').getAttribute('contenteditable')).toBe('false')
    await page.close()
  })

  test('an embedded editor only shows, with the buttons that its addresses give', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const embedded = { saveUrl: 'https://example.com/save', shareUrl: 'https://example.com/share' }
    const config = documentAt(host, { key: 'e', type: 'embedded', editorConfig: { embedded } })
    site.show('one', config, [...EVENTS, 'onRequestHistory'])
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.getByText('View only').waitFor()
    const buttons = await frame
      .locator('[data-button]')
      .evaluateAll((found) => found.map((button) => button.dataset.button))
    expect(buttons).toEqual(['save-url', 'share-url', 'print'])
    expect(await frame.locator('[data-button="save-url"]').getAttribute('href')).toBe(embedded.saveUrl)
    expect((await eventsOf(page)).map(([name]) => name)).toEqual([
      'onAppReady',
      'onDocumentReady',
      'onPluginsReady',
    ])
    for (const hidden of ['#save', '#edit', '#close', '#co-editing'])
      expect(await frame.locator(hidden).isVisible()).toBe(false)
    expect(host.statuses('e')).toEqual([])
    await page.close()
  })

  test('a host of before refreshFile is told to reload', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const config = documentAt(host, { key: 'old' })
    const editor = await site.emulator.open(config)
    editor.type(0, 'x')
    await editor.close()
    await expect.poll(() => host.statuses('old'), PATIENT).toEqual([1, 2])
    site.show('one', config, ['onOutdatedVersion'])
    const { page } = await openPage(browser, `${site.url}/host/one`)
    await expect.poll(() => eventsOf(page), PATIENT).toEqual([['onOutdatedVersion', undefined]])
    await page.close()
  })
})
