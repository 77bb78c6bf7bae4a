import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noBrowser } from '../support/browser.ts'
import { docxParagraphs, makeDocx, makeXlsx } from '../support/files.ts'
import {
  calledWith,
  choose,
  fetchedAs,
  notice,
  type OpenEditor,
  PATIENT,
  press,
  type Stage,
  startStage,
} from './editor-support.ts'

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)
const WORD = makeDocx(['Other'])
const SHEET = makeXlsx([['Name'], ['Ann']])
const OWN_SHEET = makeXlsx([['Own']])

const METHODS = {
  onRequestSelectDocument: 'setRequestedDocument',
  onRequestSelectSpreadsheet: 'setRequestedSpreadsheet',
  onRequestCompareFile: 'setRevisedFile',
  onRequestMailMergeRecipients: 'setMailMergeRecipients',
}
const NAMES = {
  onRequestSelectDocument: 'other.docx',
  onRequestSelectSpreadsheet: 'list.xlsx',
  onRequestCompareFile: 'other.docx',
  onRequestMailMergeRecipients: 'list.xlsx',
}

let stage: Stage
let sheetId: string
beforeAll(async () => {
  if (noBrowser !== undefined) return
  stage = await startStage()
  await stage.app.upload('other.docx', WORD)
  sheetId = await stage.app.upload('list.xlsx', SHEET)
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const report = () => stage.open('report.docx', makeDocx(['One', 'Two']))
const sheet = () => stage.open('sums.xlsx', OWN_SHEET)

/** What the service puts in the place where it is found by others. */
const instanceOf = async ({ id }: OpenEditor) =>
  (await stage.app.config(id)).document.referenceData as { fileKey: string; instanceId: string }

describe.skipIf(noBrowser !== undefined)(`the editor’s requests for files ${noBrowser ?? ''}`, () => {
  test('onRequestInsertImage: a picture from the machine gets into the document', async () => {
    await using editor = await report()
    for (const c of ['add', 'change', 'fill', 'watermark', 'slide']) {
      await press(editor, 'insert-image', { c })
      await editor.page
        .getByRole('dialog')
        .locator('input[type=file]')
        .setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: PNG })
      await editor.frame.locator(`img[data-inserted="${c}"]`).waitFor()
      const { argument } = await calledWith(stage, editor, 'insertImage', {
        isTokenValid: true,
        fetched: [fetchedAs(PNG)],
      })
      const images = [{ fileType: 'png', url: expect.any(String) }]
      expect(argument).toEqual({ c, images, token: expect.any(String) })
    }
  })

  test('a file that is no picture is refused in words', async () => {
    await using editor = await report()
    await press(editor, 'insert-image', { c: 'add' })
    await editor.page
      .getByRole('dialog')
      .locator('input[type=file]')
      .setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: WORD })
    await notice(editor.page).getByText('That did not work').waitFor()
    expect(stage.docServer.methodCalls(editor.key).map(({ method }) => method)).toEqual(['DocEditor'])
  })

  test.each([
    ['onRequestSelectDocument', 'select-document', ['compare', 'combine', 'insert-text'], WORD],
    ['onRequestSelectSpreadsheet', 'select-spreadsheet', ['mailmerge'], SHEET],
    ['onRequestCompareFile', 'compare-file', [undefined], WORD],
    ['onRequestMailMergeRecipients', 'mail-merge-recipients', [undefined], SHEET],
  ] as const)('%s: the chosen document goes to the editor', async (event, tool, choices, bytes) => {
    await using editor = await report()
    for (const c of choices) {
      await press(editor, tool, { c })
      await choose(editor.page, NAMES[event])
      const { argument } = await calledWith(stage, editor, METHODS[event], {
        argument: c === undefined ? {} : { c },
        isTokenValid: true,
        fetched: [fetchedAs(bytes)],
      })
      expect(argument).toEqual({
        ...(c === undefined ? {} : { c }),
        fileType: NAMES[event].split('.')[1],
        url: expect.any(String),
        token: expect.any(String),
      })
    }
  })

  test('onRequestReferenceData: a spreadsheet takes values from one that is named by id, path or link', async () => {
    await using editor = await sheet()
    const { instanceId } = await instanceOf(editor)
    const link = `${instanceId}/api/onlyoffice/viewer/${sheetId}`
    const ways: Record<string, string>[] = [
      { 'file-key': sheetId, 'instance-id': instanceId },
      { path: 'list.xlsx' },
      { link },
    ]
    const empty = { 'file-key': '', 'instance-id': '', path: '', link: '' }
    for (const [index, fields] of ways.entries()) {
      await press(editor, 'reference-data', { fields: { ...empty, ...fields } })
      const calls = () =>
        stage.docServer.methodCalls(editor.key).filter(({ method }) => method === 'setReferenceData')
      await expect.poll(() => calls().length, PATIENT).toBe(index + 1)
      const { argument } = await calledWith(stage, editor, 'setReferenceData', {
        isTokenValid: true,
        fetched: [fetchedAs(SHEET)],
      })
      expect(argument).toEqual({
        fileType: 'xlsx',
        key: expect.any(String),
        link,
        path: 'list.xlsx',
        referenceData: { fileKey: sheetId, instanceId },
        url: expect.any(String),
        token: expect.any(String),
      })
    }
  })

  test('the editor is told in words of a linked file that is not there', async () => {
    await using editor = await sheet()
    await press(editor, 'reference-data', { fields: { path: 'nowhere.xlsx' } })
    const { argument } = await calledWith(stage, editor, 'setReferenceData', {})
    expect(argument).toEqual({ error: expect.stringContaining('not found') })
    await editor.frame.locator('[data-result="reference-data"] [data-error]').waitFor()
  })

  test('onRequestReferenceSource: another source for linked values is chosen in the workspace', async () => {
    await using editor = await sheet()
    await press(editor, 'reference-source', { fields: { path: 'gone.xlsx' } })
    await choose(editor.page, 'list.xlsx')
    const { argument } = await calledWith(stage, editor, 'setReferenceSource', {
      isTokenValid: true,
      fetched: [fetchedAs(SHEET)],
    })
    expect(argument).toMatchObject({ path: 'list.xlsx', referenceData: { fileKey: sheetId } })
  })

  test('onRequestOpen: the source of linked values opens in a tab of its own', async () => {
    await using editor = await sheet()
    const opened = editor.page.waitForEvent('popup')
    await press(editor, 'open-source', { fields: { path: 'list.xlsx', 'window-name': 'source' } })
    const tab = await opened
    await tab.waitForURL(`**/api/onlyoffice/viewer/${sheetId}`)
    await tab.close()
  })

  test('onRequestSaveAs: a copy becomes a document of the workspace, and can be opened', async () => {
    await using editor = await stage.open('plan.docx', makeDocx(['To be copied']))
    await press(editor, 'save-as')
    await notice(editor.page).getByText('Saved as').waitFor()
    const opened = editor.page.waitForEvent('popup')
    await notice(editor.page).getByRole('button', { name: 'Open it' }).click()
    const tab = await opened
    const copyId = /viewer\/([\w-]+)/.exec(tab.url())?.[1] ?? ''
    await tab.close()
    expect(copyId).not.toBe(editor.id)
    expect(docxParagraphs(await stage.app.download(copyId))).toEqual(['To be copied'])
    await notice(editor.page).getByRole('button', { name: 'Dismiss' }).click()
    expect(await notice(editor.page).isVisible()).toBe(false)
  })
})
