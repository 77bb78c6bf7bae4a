import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readText } from '../../src/emulator/content.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { documentAt, docx, signedArgument, startHost } from './host.ts'
import { BASIC_EVENTS, callEditor, eventsOf, openPage, openTools, PATIENT, startSite } from './site.ts'

let browser: Browser
beforeAll(async () => {
  if (noBrowser === undefined) browser = await startBrowser()
})
afterAll(() => browser?.close())

const EVENTS = [
  ...BASIC_EVENTS,
  'onRequestHistory',
  'onRequestHistoryData',
  'onRequestHistoryClose',
  'onRequestRestore',
]
const HISTORY = {
  currentVersion: 2,
  history: [
    { version: 1, key: 'k1', created: '2026-01-01 10:00', user: { id: 'u1', name: 'Ann' } },
    {
      version: 2,
      key: 'k2',
      created: '2026-01-02 10:00',
      user: { id: 'u2', name: 'Bob' },
      changes: [{ created: '2026-01-02 09:59', user: { id: 'u2', name: 'Bob' } }],
    },
  ],
}

describe.skipIf(noBrowser)('the version history in Chromium', () => {
  test('it lists versions, asks for the data of one, restores it or one change, and closes', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host, { key: 'h' }), EVENTS)
    const { page, frame, problems } = await openPage(browser, `${site.url}/host/one`)
    await frame.locator('[data-paragraph="0"]').fill('typed before')
    await openTools(frame)
    await frame.locator('[data-event="onRequestHistory"]').click()
    await callEditor(page, 'refreshHistory', HISTORY)
    const version = (number: number) => frame.locator(`#history li[data-version="${number}"]`)
    await version(2).waitFor()
    expect(await version(1).locator('[data-author]').textContent()).toBe('Ann')
    expect(await frame.locator('#history [data-current]').getAttribute('data-version')).toBe('2')
    expect(await version(2).locator('> [data-event="onRequestRestore"]').count()).toBe(0)
    // The real editor leaves the document to show its history.
    await expect.poll(() => host.statuses('h'), PATIENT).toEqual([1, 2])
    expect(await frame.locator('[data-paragraph="0"]').getAttribute('contenteditable')).toBe('false')

    await version(2).locator('[data-event="onRequestHistoryData"]').click()
    host.files.set('/files/two.docx', docx('version two'))
    const url = `${host.url}/files/two.docx`
    await callEditor(page, 'setHistoryData', signedArgument({ fileType: 'docx', key: 'k2', url, version: 2 }))
    await frame.locator('[data-history-data="2"]').waitFor()
    await version(2).locator('[data-change="0"] [data-event="onRequestRestore"]').click()
    await version(1).locator('[data-event="onRequestRestore"]').click()
    await frame.locator('[data-event="onRequestHistoryClose"]').click()
    await expect
      .poll(async () => (await eventsOf(page)).slice(-3).map(([name]) => name), PATIENT)
      .toEqual(['onRequestRestore', 'onRequestRestore', 'onRequestHistoryClose'])
    const events = await eventsOf(page)
    expect(events).toContainEqual(['onRequestHistoryData', 2])
    expect(events).toContainEqual(['onRequestRestore', { version: 1, fileType: 'docx' }])
    const ofChange = events.map(([, data]) => data as { url?: string } | undefined).find((data) => data?.url)
    expect(ofChange).toMatchObject({ version: 2, fileType: 'docx' })
    const bytes = Buffer.from(await (await fetch(String(ofChange?.url))).arrayBuffer())
    expect(readText(bytes, 'docx')).toEqual(['version two'])
    expect(problems).toEqual([])
    await page.close()
  })

  test('without the events of its buttons the list only shows', async () => {
    await using host = await startHost()
    await using site = await startSite()
    site.show('one', documentAt(host), ['onRequestHistory'])
    const { page, frame } = await openPage(browser, `${site.url}/host/one`)
    await frame.locator('[data-paragraph="0"]').waitFor()
    await callEditor(page, 'refreshHistory', { error: 'There is none' })
    await frame.getByText('There is none').waitFor()
    expect(await frame.locator('#save').isVisible()).toBe(true)
    await callEditor(page, 'refreshHistory', HISTORY)
    await frame.locator('#history li[data-version="1"]').waitFor()
    expect(await frame.locator('#history button:enabled').count()).toBe(0)
    expect(await frame.locator('#save').isVisible()).toBe(false)
    await page.close()
  })
})
