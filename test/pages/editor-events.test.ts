import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blankPdf } from '../../src/core/blank/pdf.ts'
import { putPeople } from '../docserver/guest.ts'
import { noBrowser } from '../support/browser.ts'
import { docxParagraphs, makeDocx, makeXlsx } from '../support/files.ts'
import {
  calledWith,
  fetchedAs,
  notice,
  type OpenEditor,
  openAt,
  openTools,
  PATIENT,
  press,
  type Stage,
  shown,
  startStage,
  toldOf,
  trouble,
} from './editor-support.ts'

let stage: Stage
beforeAll(async () => {
  if (noBrowser !== undefined) return
  stage = await startStage()
  await putPeople(stage.app, {
    ann: { name: 'Ann' },
    bea: { name: 'Bea Smith', email: 'bea@example.com' },
    cyd: { name: 'Cyd Smith', email: 'cyd@example.com' },
  })
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const TEXT = makeDocx(['One', 'Two'])
const report = (query?: string) => stage.open('report.docx', TEXT, query)

const rowsOf = ({ id }: OpenEditor) =>
  stage.app.deps.database.selectFrom('activity').selectAll().where('document_id', '=', id).execute()

/** Types into the first paragraph and saves it as a version. */
async function saveTyped({ frame, id }: OpenEditor, text: string): Promise<void> {
  await frame.getByLabel('Paragraph 1', { exact: true }).fill(text)
  await frame.getByText('All changes sent').waitFor()
  const before = (await stage.app.versions(id)).length
  await frame.getByRole('button', { name: 'Save' }).click()
  await expect.poll(async () => (await stage.app.versions(id)).length, PATIENT).toBe(before + 1)
}

/** The page opens the editor anew. */
async function leaveHistory({ page, frame }: OpenEditor): Promise<void> {
  await frame.locator('[data-event="onRequestHistoryClose"]').click()
  await page.locator('iframe').nth(1).waitFor({ state: 'attached' })
  await page.locator('iframe').nth(1).waitFor({ state: 'detached' })
  await shown(frame)
}

const entry = (frame: OpenEditor['frame'], number: number) =>
  frame.locator(`#history li[data-version="${number}"]`)

describe.skipIf(noBrowser !== undefined)(`history ${noBrowser ?? ''}`, () => {
  test('onRequestHistory, …Data, …Close: versions are listed, shown with their changes, and left again', async () => {
    await using editor = await report()
    await saveTyped(editor, 'Typed')
    await press(editor, 'history')
    const { argument } = await calledWith(stage, editor, 'refreshHistory', {
      argument: { currentVersion: 2 },
    })
    const entryLike = { created: expect.any(String), key: expect.any(String), user: expect.any(Object) }
    expect(argument).toMatchObject({
      history: [
        { version: 1, ...entryLike },
        { version: 2, ...entryLike, changes: [expect.any(Object)] },
      ],
    })
    await entry(editor.frame, 2).locator('> [data-event="onRequestHistoryData"]').click()
    const shownVersion = await calledWith(stage, editor, 'setHistoryData', { isTokenValid: true })
    expect(shownVersion.argument).toEqual({
      changesUrl: expect.any(String),
      fileType: 'docx',
      key: expect.any(String),
      previous: { fileType: 'docx', key: editor.key, url: expect.any(String) },
      url: expect.any(String),
      version: 2,
      token: expect.any(String),
    })
    const saved = await stage.app.download(editor.id)
    await expect
      .poll(() => shownVersion.fetched, PATIENT)
      .toMatchObject([fetchedAs(saved), fetchedAs(TEXT), { status: 200 }])
    await entry(editor.frame, 1).locator('> [data-event="onRequestHistoryData"]').click()
    const first = await calledWith(stage, editor, 'setHistoryData', { argument: { version: 1 } })
    expect(Object.keys(Object(first.argument)).sort()).toEqual(['fileType', 'key', 'token', 'url', 'version'])
    expect(first).toMatchObject({ isTokenValid: true, fetched: [fetchedAs(TEXT)] })

    await leaveHistory(editor)
    await editor.frame.getByLabel('Paragraph 1', { exact: true }).fill('Goes on')
    await editor.frame.getByText('All changes sent').waitFor()
  })

  test('onRequestRestore: a version becomes the newest one, and the history stays open', async () => {
    await using editor = await report()
    await saveTyped(editor, 'Typed')
    await press(editor, 'history')
    await entry(editor.frame, 1).locator('> [data-event="onRequestRestore"]').click()
    await calledWith(stage, editor, 'refreshHistory', { argument: { currentVersion: 3 } })
    expect(docxParagraphs(await stage.app.download(editor.id))).toEqual(['One', 'Two'])
    expect((await stage.app.versions(editor.id))[0]).toMatchObject({ versionNumber: 3, kind: 'restored' })
    expect(stage.docServer.methodCalls(editor.key).map(({ method }) => method)).not.toContain('refreshFile')
    await entry(editor.frame, 3).waitFor()

    await leaveHistory(editor)
    await expect
      .poll(() => editor.frame.getByLabel('Paragraph 1', { exact: true }).textContent(), PATIENT)
      .toBe('One')
    const { key } = (await stage.app.config(editor.id)).document
    expect(key).not.toBe(editor.key)
    expect(stage.docServer.editorsOf(key)).toHaveLength(1)
  })

  test('onRequestRestore: the state after one change becomes the newest version', async () => {
    await using editor = await report()
    await saveTyped(editor, 'First')
    await saveTyped(editor, 'Second')
    await press(editor, 'history')
    await entry(editor.frame, 2).locator('> [data-event="onRequestHistoryData"]').click()
    await editor.frame.locator('[data-history-data="2"]').waitFor()
    await entry(editor.frame, 2).locator('[data-change="0"] [data-event="onRequestRestore"]').click()
    await calledWith(stage, editor, 'refreshHistory', { argument: { currentVersion: 4 } })
    expect(docxParagraphs(await stage.app.download(editor.id))).toEqual(['First', 'Two'])
    expect(toldOf(stage, editor, 'onRequestRestore')?.data).toMatchObject({ version: 2, fileType: 'docx' })
  })
})

describe.skipIf(noBrowser !== undefined)(`the document ${noBrowser ?? ''}`, () => {
  test('onRequestRename, onMetaChange: everybody sees the new title', async () => {
    await using editor = await report()
    await using other = await openAt(
      stage.app,
      await stage.context.newPage(),
      editor.id,
      '?userId=bea&userName=Bea',
    )
    await press(editor, 'rename', { fields: { title: 'Yearly report' } })
    for (const { page } of [editor, other]) {
      await expect.poll(() => page.locator('#title').textContent(), PATIENT).toBe('Yearly report.docx')
      expect(await page.title()).toBe('Yearly report.docx')
    }
    expect((await stage.app.config(editor.id)).document.title).toBe('Yearly report.docx')
    expect(toldOf(stage, editor, 'onRequestRename')?.data).toBe('Yearly report')
    // Both pages have heard of it, and nothing was put behind it.
    await expect.poll(() => toldOf(stage, editor, 'onMetaChange'), PATIENT).toBeDefined()
    expect(await editor.page.locator('#title').textContent()).toBe('Yearly report.docx')
  })

  test('onMetaChange: the star is kept for its user', async () => {
    await using editor = await report()
    for (const isFavorite of [true, false]) {
      await press(editor, 'favorite')
      await calledWith(stage, editor, 'setFavorite', { argument: isFavorite })
      const query = '?userId=ann&userName=Ann'
      const { info } = (await stage.app.config(editor.id, query)).document
      expect(info).toMatchObject({ favorite: isFavorite })
      await editor.frame.locator(`[data-favorite="${isFavorite}"]`).waitFor()
    }
  })

  test('onMakeActionLink: the link leads back to the place', async () => {
    await using editor = await report()
    await press(editor, 'action-link', { fields: { bookmark: 'here' } })
    const { argument } = await calledWith(stage, editor, 'setActionLink', {})
    const { pathname, search } = new URL(String(argument))
    await using tab = await openAt(stage.app, await stage.context.newPage(), editor.id, search)
    expect(pathname).toBe(`/api/onlyoffice/viewer/${editor.id}`)
    const page = await tab.page.locator('#page').textContent()
    expect(JSON.parse(page ?? '').config.editorConfig.actionLink).toEqual({
      action: { type: 'bookmark', data: 'here' },
    })
  })

  test('onRequestSharingSettings: who has access', async () => {
    await using editor = await report()
    await press(editor, 'sharing')
    const { argument } = await calledWith(stage, editor, 'setSharingSettings', {})
    const one = { user: expect.any(String), permissions: expect.any(String) }
    expect(argument).toMatchObject({
      sharingSettings: expect.arrayContaining([expect.objectContaining(one)]),
    })
  })

  test('onRequestEditRights: who looks on begins to edit', async () => {
    await using editor = await report('?mode=view&userId=ann&userName=Ann')
    await editor.frame.locator('[data-event="onRequestEditRights"]').click()
    await editor.page.waitForURL('**mode=edit**')
    await shown(editor.frame)
    await editor.frame.getByLabel('Paragraph 1', { exact: true }).fill('Typed')
    await editor.frame.getByText('All changes sent').waitFor()
  })

  test('onRequestCreateNew and onRequestClose lead to the documents', async () => {
    await using editor = await report()
    const opened = editor.page.waitForEvent('popup')
    await press(editor, 'create-new')
    const tab = await opened
    await tab.waitForURL(`${stage.app.url}/files`)
    await tab.close()
    await editor.frame.locator('[data-event="onRequestClose"]').click()
    await editor.page.waitForURL(`${stage.app.url}/files`)
  })
})

describe.skipIf(noBrowser !== undefined)(`people ${noBrowser ?? ''}`, () => {
  test('onRequestUsers, onRequestSendNotify: people are found and told that they were mentioned', async () => {
    await using editor = await report()
    await press(editor, 'users-mention', { fields: { search: 'smith' } })
    await calledWith(stage, editor, 'setUsers', {
      argument: { c: 'mention', total: 2, users: [{ id: 'bea', email: 'bea@example.com' }, { id: 'cyd' }] },
    })
    const comment = editor.frame.locator('[data-tool="comment"]')
    await comment.locator('[data-field="mention"]').selectOption(['cyd@example.com'])
    await press(editor, 'comment', { fields: { message: 'Look at this' } })
    await notice(editor.page).getByText('They were told').waitFor()
    const mentions = (await rowsOf(editor)).filter(({ action }) => action === 'mentioned')
    expect(mentions).toHaveLength(1)
    const detail = JSON.parse(mentions[0]?.detail ?? '{}')
    expect(detail).toMatchObject({ message: 'Look at this', people: [{ id: 'cyd' }] })
    expect(detail.url).toContain(`/viewer/${editor.id}?action=`)
    expect(mentions[0]).toMatchObject({ actor_id: 'ann' })
  })

  test('onRequestUsers: names for ids, and for those who are here when no ids are given', async () => {
    await using editor = await report()
    await press(editor, 'users-info', { fields: { ids: 'bea,cyd' } })
    await calledWith(stage, editor, 'setUsers', {
      argument: { c: 'info', users: [{ id: 'bea', name: 'Bea Smith' }, { id: 'cyd' }] },
    })
    await press(editor, 'users-info', { fields: { ids: '' } })
    await calledWith(stage, editor, 'setUsers', { argument: { c: 'info', users: [{ id: 'ann' }] } })
    expect(await notice(editor.page).isVisible()).toBe(false)
  })

  test('onRequestUsers: people for a protected range', async () => {
    await using editor = await stage.open('sums.xlsx', makeXlsx([['1']]))
    await press(editor, 'users-protect')
    const { argument } = await calledWith(stage, editor, 'setUsers', { argument: { c: 'protect' } })
    expect(Object(argument).users.map(({ id }: { id: string }) => id)).toEqual(
      expect.arrayContaining(['ann', 'bea', 'cyd']),
    )
  })
})

describe.skipIf(noBrowser !== undefined)(`forms ${noBrowser ?? ''}`, () => {
  test('onRequestStartFilling, onSubmit, onRequestFillingStatus: given out, handed in, counted', async () => {
    await using editor = await stage.open('form.pdf', blankPdf('Form'))
    await press(editor, 'start-filling')
    await calledWith(stage, editor, 'startFilling', { argument: true })
    expect((await rowsOf(editor)).map(({ action }) => action)).toContain('filling-started')

    const query = '?mode=fillForms&userId=bob&userName=Bob'
    await using filler = await openAt(stage.app, await stage.context.newPage(), editor.id, query)
    await press(filler, 'submit', { fields: { 'form-value': 'forty-two' } })
    await notice(filler.page).getByText('The form was handed in.').waitFor()
    const answer = await stage.app.fetch(`/api/onlyoffice/documents/${editor.id}/forms`)
    expect(await answer.json()).toMatchObject({ forms: [{ user: { id: 'bob' }, hasData: true }] })
    await press(filler, 'filling-status', { fields: { role: 'Anyone' } })
    await notice(filler.page).getByText('Handed in so far: 1').waitFor()
  })
})

describe.skipIf(noBrowser !== undefined)(`what the editor reports ${noBrowser ?? ''}`, () => {
  const lines = ({ id }: OpenEditor) =>
    stage.logged.filter(({ document, msg }) => document === id && String(msg).startsWith('editor reports'))

  test('onWarning, onError: codes stand in the log, once each, and errors on the page', async () => {
    await using editor = await report()
    for (const name of ['onWarning', 'onWarning', 'onError']) await press(editor, `signal-${name}`)
    await trouble(editor.page).getByText('An error for a test').waitFor()
    await expect
      .poll(() => lines(editor), PATIENT)
      .toMatchObject([
        { event: 'onWarning', code: -101, level: 30, key: editor.key },
        { event: 'onError', code: -1, level: 40, description: 'An error for a test' },
      ])
    await trouble(editor.page).getByRole('button', { name: 'Dismiss' }).click()
    expect(await trouble(editor.page).isVisible()).toBe(false)
  })

  test('onOutdatedVersion: the page is loaded anew', async () => {
    await using editor = await report()
    await editor.page.evaluate('window.isOld = true')
    await press(editor, 'signal-onOutdatedVersion')
    await expect.poll(() => editor.page.evaluate('window.isOld').catch(() => true), PATIENT).toBeUndefined()
    await shown(editor.frame)
  })

  test('onRequestRefreshFile: the page asks until there is another key, and moves to it', async () => {
    await using editor = await report()
    await press(editor, 'signal-onRequestRefreshFile')
    const refreshed = () => stage.docServer.methodCalls().filter(({ method }) => method === 'refreshFile')
    const before = refreshed().length
    const first = (await stage.app.versions(editor.id)).at(-1)
    await stage.app.fetch(`/api/documents/${editor.id}/versions/${first?.id}/restore`, { method: 'POST' })
    await expect.poll(() => refreshed().length, PATIENT).toBe(before + 1)
    const { key } = (await stage.app.config(editor.id)).document
    expect(refreshed().at(-1)).toMatchObject({ key, isTokenValid: true })
    expect(key).not.toBe(editor.key)
  })

  test('onUserActionRequired: nothing lies over the editor', async () => {
    await using editor = await report()
    await openTools(editor.frame)
    await editor.page.evaluate("document.getElementById('shield').hidden = false")
    await editor.frame.locator('[data-tool="signal-onUserActionRequired"] button').dispatchEvent('click')
    await editor.page.locator('#shield').waitFor({ state: 'hidden' })
  })
})
