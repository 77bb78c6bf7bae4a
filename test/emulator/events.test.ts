import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readText } from '../../src/emulator/content.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { book, documentAt, form, startHost } from './host.ts'
import { callEditor, eventsOf, openDocument, openTools, PATIENT, startSite } from './site.ts'

let browser: Browser
beforeAll(async () => {
  if (noBrowser === undefined) browser = await startBrowser()
})
afterAll(() => browser?.close())

const SIGNALS = (
  'onAppReady onDocumentReady onPluginsReady onInfo onWarning onError onDocumentStateChange ' +
  'onCollaborativeChanges onUserActionRequired onStartFilling onRequestRefreshFile onOutdatedVersion ' +
  'onDownloadAs onSaveDocument'
).split(' ')

describe.skipIf(noBrowser)('events of the editor in Chromium', () => {
  test('tools of a text document hand over what the real editor does', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame, problems } = await openDocument(
      site,
      documentAt(host, { key: 'word', info: { favorite: true } }),
      browser,
    )
    await openTools(frame)
    const press = (tool: string, c = '') =>
      frame.locator(`[data-tool="${tool}"] button${c && `[data-c="${c}"]`}`).click()
    const fill = (field: string, text: string) => frame.locator(`[data-field="${field}"]`).fill(text)
    await fill('title', 'New name')
    await press('rename')
    for (const tool of [
      'history',
      'create-new',
      'sharing',
      'mail-merge-recipients',
      'compare-file',
      'favorite',
    ])
      await press(tool)
    for (const c of ['add', 'change', 'fill', 'watermark', 'slide']) await press('insert-image', c)
    for (const c of ['compare', 'combine', 'insert-text']) await press('select-document', c)
    await press('select-spreadsheet', 'mailmerge')
    await fill('bookmark', 'here')
    await press('action-link')
    await fill('ids', 'u1,u2')
    await press('users-info')
    const link = { action: { type: 'bookmark', data: 'here' } }
    const expected = [
      ['onRequestRename', 'New name'],
      ['onRequestHistory', undefined],
      ['onRequestCreateNew', undefined],
      ['onRequestSharingSettings', undefined],
      ['onRequestMailMergeRecipients', undefined],
      ['onRequestCompareFile', undefined],
      ['onMetaChange', { favorite: false }],
      ...['add', 'change', 'fill', 'watermark', 'slide'].map((c) => ['onRequestInsertImage', { c }]),
      ...['compare', 'combine', 'insert-text'].map((c) => ['onRequestSelectDocument', { c }]),
      ['onRequestSelectSpreadsheet', { c: 'mailmerge' }],
      ['onMakeActionLink', link],
      ['onRequestUsers', { c: 'info', id: ['u1', 'u2'] }],
    ]
    await expect.poll(async () => (await eventsOf(page)).slice(-expected.length), PATIENT).toEqual(expected)
    await expect
      .poll(() => site.emulator.firedEvents('word').slice(-expected.length), PATIENT)
      .toMatchObject(expected.map(([name, data]) => ({ key: 'word', name, data })))
    await callEditor(page, 'setFavorite', false)
    await frame.locator('[data-favorite="false"]').waitFor()
    expect(problems).toEqual([])
    await page.close()
  })

  test('a copy is a real file at Document Server, with what was typed last', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame } = await openDocument(site, documentAt(host, { strict: true }), browser)
    await frame.locator('[data-paragraph="0"]').fill('not saved yet')
    await openTools(frame)
    await frame.locator('[data-event="onRequestSaveAs"]').click()
    await callEditor(page, 'downloadAs')
    await expect
      .poll(async () => (await eventsOf(page)).slice(-2).map(([name]) => name), PATIENT)
      .toEqual(['onRequestSaveAs', 'onDownloadAs'])
    for (const [, data] of (await eventsOf(page)).slice(-2)) {
      const { url, ...rest } = data as { url: string }
      expect(rest).toMatchObject({ fileType: 'docx' })
      expect(url.startsWith(`${site.emulator.publicUrl}/cache/files/`)).toBe(true)
      const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
      expect(readText(bytes, 'docx')).toEqual(['not saved yet', 'second'])
    }
    await page.close()
  })

  test('people are found page by page, and those mentioned in a comment are named', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame } = await openDocument(site, documentAt(host), browser)
    await openTools(frame)
    await frame.locator('[data-field="search"]').fill('a')
    await frame.locator('[data-tool="users-mention"] button').click()
    const users = [
      { id: 'u1', name: 'Ann', email: 'ann@example.com' },
      { id: 'u2', name: 'Amy', email: 'amy@example.com' },
    ]
    const pageOf = (index: number) => ({ c: 'mention', users: [users[index]], total: 2, isPaginated: true })
    await callEditor(page, 'setUsers', pageOf(0))
    await frame.locator('[data-more]').click()
    await callEditor(page, 'setUsers', pageOf(1))
    await frame.locator('[data-user-id="u2"]').waitFor()
    expect(await frame.locator('[data-user-id]').count()).toBe(2)
    expect(await frame.locator('[data-more]').count()).toBe(0)
    await frame.locator('[data-field="message"]').fill('Look here')
    await frame.locator('[data-field="mention"]').selectOption(['ann@example.com', 'amy@example.com'])
    await frame.locator('[data-tool="comment"] button').click()
    const actionLink = { action: { type: 'comment', data: 'comment-1' } }
    const emails = ['ann@example.com', 'amy@example.com']
    await expect
      .poll(async () => (await eventsOf(page)).slice(-3), PATIENT)
      .toEqual([
        ['onRequestUsers', { c: 'mention', from: 0, count: 100, search: 'a' }],
        ['onRequestUsers', { c: 'mention', from: 1, count: 100, search: 'a' }],
        ['onRequestSendNotify', { actionLink, message: 'Look here', emails }],
      ])
    await page.close()
  })

  test('a spreadsheet asks for the values of another file', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame } = await openDocument(site, book(host), browser)
    await openTools(frame)
    for (const tool of ['reference-data', 'reference-source', 'open-source']) {
      const field = (name: string) => frame.locator(`[data-tool="${tool}"] [data-field="${name}"]`)
      await field('path').fill('other.xlsx')
      await field('file-key').fill('F1')
      await field('instance-id').fill('https://host')
      if (tool === 'reference-data') await field('link').fill('https://host/other')
      if (tool === 'open-source') await field('window-name').fill('w1')
      await frame.locator(`[data-tool="${tool}"] button`).click()
    }
    await frame.locator('[data-tool="users-protect"] button').click()
    const named = { path: 'other.xlsx', referenceData: { fileKey: 'F1', instanceId: 'https://host' } }
    await expect
      .poll(async () => (await eventsOf(page)).slice(-4), PATIENT)
      .toEqual([
        ['onRequestReferenceData', { ...named, link: 'https://host/other' }],
        ['onRequestReferenceSource', named],
        ['onRequestOpen', { ...named, windowName: 'w1' }],
        ['onRequestUsers', { c: 'protect', from: 0, count: 100 }],
      ])
    await page.close()
  })

  test('a form is submitted as a forced save of type 3, and its filling is started', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame } = await openDocument(site, form(host, { key: 'form' }), browser)
    await openTools(frame)
    await frame.locator('[data-field="form-value"]').fill('forty-two')
    await frame.locator('[data-event="onSubmit"]').click()
    await expect.poll(async () => (await eventsOf(page)).at(-1), PATIENT).toEqual(['onSubmit', undefined])
    const { forcesavetype, formsdataurl, actions } = host.last(6)
    expect({ forcesavetype, actions }).toEqual({ forcesavetype: 3, actions: [{ type: 2, userid: 'alice' }] })
    expect(await (await fetch(String(formsdataurl))).json()).toMatchObject([{ value: 'forty-two' }])

    host.answer(() => ({ status: 503 }))
    await frame.locator('[data-event="onSubmit"]').click()
    await expect.poll(() => host.statuses('form').length, PATIENT).toBe(3)
    await site.emulator.settled()
    await frame.locator('[data-tool="start-filling"] button').click()
    await callEditor(page, 'startFilling')
    const roles = [{ name: 'Anyone', color: '#ffefbf' }]
    await expect
      .poll(async () => (await eventsOf(page)).slice(-3), PATIENT)
      .toEqual([
        ['onSubmit', undefined],
        ['onRequestStartFilling', roles],
        ['onStartFilling', [{ ...roles[0], user: { id: 'alice', name: 'ALICE', email: '', image: '' } }]],
      ])
    await page.close()
  })

  test('events without a button in the real editor have one here', async () => {
    await using host = await startHost()
    await using site = await startSite()
    const { page, frame } = await openDocument(site, documentAt(host, { key: 'signals' }), browser)
    await openTools(frame)
    await page.evaluate('window.events.length = 0')
    for (const name of SIGNALS) await frame.locator(`[data-tool="signal-${name}"] button`).click()
    await expect
      .poll(async () => (await eventsOf(page)).map(([name]) => name).sort(), PATIENT)
      .toEqual([...SIGNALS].sort())
    await expect
      .poll(
        () => site.emulator.firedEvents('signals').find(({ name }) => name === 'onSaveDocument')?.data,
        PATIENT,
      )
      .toMatchObject({ size: expect.any(Number) })
    await page.close()
  })
})
