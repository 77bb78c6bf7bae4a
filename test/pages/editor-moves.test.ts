import type { FrameLocator } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noBrowser } from '../support/browser.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import {
  notice,
  type OpenEditor,
  openAt,
  PATIENT,
  press,
  type Stage,
  startStage,
  trouble,
} from './editor-support.ts'

let stage: Stage
beforeAll(async () => {
  if (noBrowser === undefined) stage = await startStage()
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const first = (frame: FrameLocator) => frame.getByLabel('Paragraph 1', { exact: true })

/** Ann has a document open. */
async function ann(query = ''): Promise<OpenEditor> {
  const editor = await stage.open('report.docx', makeDocx(['One', 'Two']), `?userId=ann&userName=Ann${query}`)
  await editor.page.evaluate('window.wasNotReloaded = true')
  return editor
}

const bob = async ({ id }: OpenEditor, query = '') =>
  openAt(stage.app, await stage.context.newPage(), id, `?userId=bob&userName=Bob${query}`)

const textOf = ({ frame }: OpenEditor) => first(frame).textContent()
const keyOf = async ({ id }: OpenEditor) => (await stage.app.config(id)).document.key
const wasNotReloaded = ({ page }: OpenEditor) => page.evaluate('window.wasNotReloaded')

/** First paragraphs of all versions by kind, the newest first. */
async function versionsOf({ id }: OpenEditor): Promise<[kind: string, text: string | undefined][]> {
  const versions = await stage.app.versions(id)
  return Promise.all(
    versions.map(async ({ id: versionId, kind }) => {
      const file = await stage.app.fetch(`/api/documents/${id}/versions/${versionId}/download`)
      return [kind, docxParagraphs(Buffer.from(await file.arrayBuffer()))[0]] as [string, string | undefined]
    }),
  )
}

async function restoreFirst({ id }: OpenEditor): Promise<void> {
  const versionId = (await stage.app.versions(id)).at(-1)?.id
  const path = `/api/documents/${id}/versions/${versionId}/restore`
  expect((await stage.app.fetch(path, { method: 'POST' })).status).toBe(200)
}

/** The editor goes on under the head's key, and what is typed there is stored in it. */
async function goesOn(editor: OpenEditor, text: string, { isStrict = false } = {}): Promise<void> {
  const key = await keyOf(editor)
  expect(key).not.toBe(editor.key)
  await expect.poll(() => stage.docServer.editorsOf(key).length, PATIENT).toBeGreaterThan(0)
  expect(stage.docServer.methodCalls(key).at(-1)).toMatchObject({ method: 'refreshFile', isTokenValid: true })
  expect(await wasNotReloaded(editor)).toBe(true)
  await first(editor.frame).fill(text)
  if (!isStrict) await editor.frame.getByText('All changes sent').waitFor()
  await editor.frame.getByRole('button', { name: 'Save' }).click()
  await expect.poll(async () => docxParagraphs(await stage.app.download(editor.id))[0], PATIENT).toBe(text)
}

describe.skipIf(noBrowser !== undefined)(`two users and a new head ${noBrowser ?? ''}`, () => {
  test('fast: what is typed while a program restores is a version, and the editor goes on with the restored one', async () => {
    await using editor = await ann()
    await first(editor.frame).fill('Typed by Ann')
    await restoreFirst(editor)

    await expect.poll(() => textOf(editor), PATIENT).toBe('One')
    await expect
      .poll(async () => (await versionsOf(editor)).map(([, text]) => text), PATIENT)
      .toContain('Typed by Ann')
    await goesOn(editor, 'Typed later')
    expect(await trouble(editor.page).isVisible()).toBe(false)
    expect(await editor.page.locator('#shield').isVisible()).toBe(false)
  })

  test('fast: what one types while the other restores is a version, and both see the restored one', async () => {
    await using editor = await ann()
    await first(editor.frame).fill('Earlier')
    await editor.frame.getByText('All changes sent').waitFor()
    await editor.frame.getByRole('button', { name: 'Save' }).click()
    await expect.poll(async () => (await stage.app.versions(editor.id)).length, PATIENT).toBe(2)
    await using other = await bob(editor)
    await press(other, 'history')
    const restore = other.frame.locator('#history li[data-version="1"] > [data-event="onRequestRestore"]')
    await restore.waitFor()

    await Promise.all([first(editor.frame).fill('Typed by Ann'), restore.click()])

    await expect.poll(() => textOf(editor), PATIENT).toBe('One')
    await expect
      .poll(async () => (await versionsOf(editor)).map(([, text]) => text), PATIENT)
      .toContain('Typed by Ann')
    expect(docxParagraphs(await stage.app.download(editor.id))[0]).toBe('One')
    // Who restored looks at the history still.
    expect(await other.frame.locator('#history').isVisible()).toBe(true)
    await goesOn(editor, 'Typed later')
  })

  test('who looks on moves to the new head as well, fast and strict', async () => {
    await using editor = await ann()
    await using live = await bob(editor, '&mode=view')
    await using strict = await bob(editor, '&mode=view&coEditing=strict')
    for (const { page } of [live, strict]) await page.evaluate('window.wasNotReloaded = true')
    await first(editor.frame).fill('Typed')
    await expect.poll(() => textOf(live), PATIENT).toBe('Typed')
    await editor.frame.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => versionsOf(editor), PATIENT).toHaveLength(2)
    await restoreFirst(editor)
    const key = await keyOf(editor)
    for (const viewer of [live, strict, editor]) {
      await expect.poll(() => textOf(viewer), PATIENT).toBe('One')
      expect(await wasNotReloaded(viewer)).toBe(true)
    }
    const moves = () => stage.docServer.methodCalls(key).filter(({ method }) => method === 'refreshFile')
    await expect.poll(() => moves().length, PATIENT).toBe(3)
    expect(moves().every(({ isTokenValid }) => isTokenValid)).toBe(true)
  })

  test('two new heads at once: the editor ends at the second one', async () => {
    await using editor = await ann()
    await restoreFirst(editor)
    await restoreFirst(editor)
    await expect.poll(async () => stage.docServer.editorsOf(await keyOf(editor)).length, PATIENT).toBe(1)
    await goesOn(editor, 'Typed later')
  })
})

describe.skipIf(noBrowser !== undefined)(`unsaved text in strict mode ${noBrowser ?? ''}`, () => {
  async function replacedWhileTyping(): Promise<OpenEditor> {
    const editor = await ann('&coEditing=strict')
    await first(editor.frame).fill('Unsaved text')
    await editor.frame.getByText('Changed').waitFor()
    await restoreFirst(editor)
    await trouble(editor.page).getByText('Somebody replaced this document').waitFor()
    expect(await textOf(editor)).toBe('Unsaved text')
    expect(await editor.page.locator('#shield').isVisible()).toBe(false)
    return editor
  }

  test('“Save mine as a copy” makes a conflict version of it, then shows the new document', async () => {
    await using editor = await replacedWhileTyping()
    await trouble(editor.page).getByRole('button', { name: 'Save mine as a copy' }).click()
    await trouble(editor.page).getByText('Press Save in the editor').waitFor()
    await editor.frame.getByRole('button', { name: 'Save' }).click()
    await expect.poll(() => versionsOf(editor), PATIENT).toContainEqual(['conflict', 'Unsaved text'])
    await trouble(editor.page).getByRole('button', { name: 'Then show the new document' }).click()
    await expect.poll(() => textOf(editor), PATIENT).toBe('One')
    await trouble(editor.page).waitFor({ state: 'hidden' })
    expect(docxParagraphs(await stage.app.download(editor.id))[0]).toBe('One')
    await goesOn(editor, 'Typed later', { isStrict: true })
  })

  test('“Discard mine” shows the new document', async () => {
    await using editor = await replacedWhileTyping()
    await trouble(editor.page).getByRole('button', { name: 'Discard mine' }).click()
    await expect.poll(() => textOf(editor), PATIENT).toBe('One')
    await trouble(editor.page).waitFor({ state: 'hidden' })
    expect((await versionsOf(editor)).map(([, text]) => text)).not.toContain('Unsaved text')
    await goesOn(editor, 'Typed later', { isStrict: true })
  })
})

describe.skipIf(noBrowser !== undefined)(`a connection that breaks ${noBrowser ?? ''}`, () => {
  test('the page says so, and catches up with what changed meanwhile', async () => {
    await using editor = await ann()
    const { id } = editor
    const events = `**/api/onlyoffice/documents/${id}/events**`
    await editor.page.route(events, (route) => route.abort())
    await editor.page.reload()
    await editor.page.evaluate('window.wasNotReloaded = true')
    await notice(editor.page).getByText('No connection to this service').waitFor()
    await restoreFirst(editor)
    await editor.page.unroute(events)
    await notice(editor.page).waitFor({ state: 'hidden' })
    await expect.poll(async () => stage.docServer.editorsOf(await keyOf(editor)).length, PATIENT).toBe(1)
    expect(await wasNotReloaded(editor)).toBe(true)
  })
})
