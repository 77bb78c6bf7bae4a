import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SignedConfig } from '../../src/emulator/types.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { book, documentAt, form, startHost } from './host.ts'
import { eventsOf, type OpenEditor, openDocument, PATIENT, startSite } from './site.ts'

let browser: Browser
beforeAll(async () => {
  if (noBrowser === undefined) browser = await startBrowser()
})
afterAll(() => browser?.close())

/** The names of the tools that are shown, those without a button in the real editor left out. */
async function toolsOf({ frame }: OpenEditor): Promise<string[]> {
  const names = await frame
    .locator('[data-tool]')
    .evaluateAll((tools) => tools.map((tool) => tool.dataset.tool))
  return names.filter((name: string) => !name.startsWith('signal-'))
}

const buttonsOf = ({ frame }: OpenEditor): Promise<string[]> =>
  frame.locator('[data-button]').evaluateAll((buttons) => buttons.map((button) => button.dataset.button))

const WORD_TOOLS = (
  'history rename save-as create-new sharing action-link insert-image select-document select-spreadsheet ' +
  'mail-merge-recipients compare-file users-mention users-info comment'
).split(' ')

describe.skipIf(noBrowser)('tools of the editor in Chromium', () => {
  test('tools are shown for declared events alone, and as far as the rights go', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const from = await browser.newPage()
    const tools = async (config: SignedConfig, events?: string[]) =>
      toolsOf(await openDocument(site, config, from, events))
    expect(await tools(documentAt(host), [])).toEqual([])
    expect(await tools(documentAt(host), ['onRequestRename'])).toEqual(['rename'])
    expect(await tools(documentAt(host))).toEqual(WORD_TOOLS)
    expect(await tools(documentAt(host, { permissions: { comment: false, download: false } }))).toEqual(
      WORD_TOOLS.filter((name) => !['save-as', 'users-mention', 'comment'].includes(name)),
    )
    expect(await tools(documentAt(host, { mode: 'view' }))).toEqual(
      'history save-as create-new sharing action-link users-info'.split(' '),
    )
    expect(await tools(book(host))).toEqual(
      (
        'history rename save-as create-new sharing action-link insert-image reference-data ' +
        'reference-source open-source users-mention users-protect users-info comment'
      ).split(' '),
    )
    expect(await tools(form(host, { permissions: { edit: false, fillForms: true } }))).toEqual(
      expect.arrayContaining(['filling-status']),
    )
    expect(await tools(documentAt(host, { type: 'mobile' }))).toEqual(
      'history create-new sharing insert-image users-mention users-info comment'.split(' '),
    )
    expect(await tools(documentAt(host, { type: 'embedded' }))).toEqual([])
    expect(await tools(documentAt(host, { info: { favorite: null } }), ['onMetaChange'])).toEqual([])
    expect(await tools(documentAt(host, { info: { favorite: false } }), ['onMetaChange'])).toEqual([
      'favorite',
    ])
    await from.close()
  })

  test('buttons without an event follow permissions and customization', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const customization = { goback: { url: 'https://example.com/' }, close: { visible: false } }
    const templates = [{ title: 'Letter', url: 'https://example.com/letter' }]
    const full = await openDocument(
      site,
      documentAt(host, { editorConfig: { customization, templates } }),
      browser,
    )
    expect(await buttonsOf(full)).toEqual(
      'download print copy protect chat comments goback template'.split(' '),
    )
    expect(await full.frame.locator('[data-event="onRequestClose"]').isVisible()).toBe(false)
    await full.page.close()
    const no = { download: false, print: false, copy: false, protect: false, chat: false, comment: false }
    const bare = await openDocument(site, documentAt(host, { permissions: no }), browser)
    expect(await buttonsOf(bare)).toEqual([])
    expect(await bare.frame.locator('[data-event="onRequestClose"]').isVisible()).toBe(true)
    expect(await bare.frame.locator('[data-event="onRequestEditRights"]').isVisible()).toBe(false)
    await bare.page.close()
    const viewer = await openDocument(
      site,
      documentAt(host, { mode: 'view', permissions: { edit: true } }),
      browser,
    )
    await viewer.frame.locator('[data-event="onRequestEditRights"]').click()
    await expect.poll(() => eventsOf(viewer.page), PATIENT).toContainEqual(['onRequestEditRights', undefined])
    await viewer.page.close()
  })
})
