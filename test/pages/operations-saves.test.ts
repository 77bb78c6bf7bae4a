import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { recoverForgotten } from '../../src/core/recovery.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { noBrowser } from '../support/browser.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import {
  confirmIn,
  gone,
  HOSTILE,
  looksWell,
  rowOf,
  SOON,
  toastOf,
  told,
  useOperatorStage,
} from './operator-support.ts'

const stage = useOperatorStage(() => ({ env: { DOWNLOAD_RETRY_S: '0' } }))

/** As the administrator: what nobody knows lies in the workspace of the pages. */
const paragraphs = async (id: string) => {
  const response = await stage.app.fetch(`/api/documents/${id}/download`, { as: ADMIN_TOKEN })
  return docxParagraphs(Buffer.from(await response.arrayBuffer()))
}
const kinds = async (id: string) =>
  (await stage.app.versions(id)).map(({ kind, isCurrent }) => (isCurrent ? `${kind}*` : kind))
const PATH = '/operations/saves'

/** A save by the button whose bytes could not be fetched. */
async function failSave(name: string) {
  const file = await stage.edit(`${name}.docx`)
  file.editor.type(0, 'not stored')
  stage.docServer.faults.files({ kind: 'status', status: 500 }, 100)
  await file.editor.save()
  stage.docServer.faults.clear()
  return file
}

/** A last save that never reached us, so that Document Server forgot it; nor could it be fetched later. */
async function forget(name: string) {
  const file = await stage.edit(`${name}.docx`)
  file.editor.type(0, 'forgotten text')
  stage.docServer.faults.callbacks({ kind: 'drop', status: 2, key: file.key }, 4)
  await file.editor.close()
  await stage.docServer.settled()
  if (!stage.docServer.forgotten.has(file.key)) throw new Error('nothing was forgotten')
  stage.docServer.faults.files({ kind: 'status', status: 500 }, 100)
  await recoverForgotten(stage.app.deps)
  stage.docServer.faults.clear()
  return file
}

/** A forgotten file of a key that no session has. @returns the key */
async function strange(name: string, bytes: Buffer): Promise<string> {
  const key = `${stage.app.deps.keyPrefix}${name}`
  stage.docServer.forgotten.set(key, { bytes, fileType: 'docx', storedAt: new Date() })
  await recoverForgotten(stage.app.deps)
  return key
}

/** Text that was typed in an old session, after its document went on. */
async function conflict(name: string) {
  const file = await stage.edit(`${name}.docx`)
  file.editor.type(0, 'theirs')
  stage.docServer.faults.command({ c: 'forcesave', kind: 'answer', error: 3 }, 1)
  const first = (await stage.app.versions(file.id)).at(-1)
  await stage.app.fetch(`/api/documents/${file.id}/versions/${first?.id}/restore`, { method: 'POST' })
  await file.editor.close()
  await stage.docServer.settled()
  expect(await kinds(file.id)).toContain('conflict')
  return file
}

/** What Document Server could build of a file that it could not build as a whole. */
async function recovery(name: string) {
  const file = await stage.edit(`${name}.docx`)
  const url = stage.docServer.fileUrl(makeDocx(['maybe damaged']))
  const callback = { key: file.key, status: 3, users: ['ann'], filetype: 'docx', url }
  const callbackUrl = `${stage.app.url}/api/onlyoffice/callback`
  await stage.docServer.sendCallback(file.key, callback, { callbackUrl })
  expect(await kinds(file.id)).toContain('recovery')
  return file
}

async function keepAs(page: Page, row: string, as: 'document' | 'head', title = ''): Promise<void> {
  await rowOf(page, row)
    .getByRole('button', { name: /^Keep as/ })
    .click()
  const dialog = page.getByRole('dialog', { name: 'Keep as' })
  await dialog.locator(`[value=${as}]`).check()
  expect(await dialog.getByLabel('Title of the new document').isVisible()).toBe(as === 'document')
  if (title !== '') await dialog.getByLabel('Title of the new document').fill(title)
  await dialog.getByRole('button', { name: 'Keep' }).click()
}

/** The document that was made by what the page asked for. */
async function documentTitled(title: string): Promise<{ id: string; folder: string }> {
  const { database } = stage.app.deps
  return database
    .selectFrom('documents')
    .select(['id', 'folder'])
    .where('title', '=', title)
    .executeTakeFirstOrThrow()
}

describe.skipIf(noBrowser !== undefined)(`what is not simply stored ${noBrowser ?? ''}`, () => {
  test('a failed save is told with its reason and brought home by Retry', async () => {
    const file = await failSave('failed')
    const page = await stage.visit(PATH)
    const row = rowOf(page, 'failed.docx')
    expect(await row.textContent()).toContain('could not be fetched from Document Server. download-failed')
    expect(await page.locator('[data-live=at-risk]').textContent()).toContain('1 at risk')

    await row.getByRole('button', { name: 'Retry the save of failed.docx' }).click()

    await told(page).toContain('Saved')
    await gone(row)
    expect(await paragraphs(file.id)).toEqual(['not stored', 'Two'])
    await page.getByText('None. Everything that was typed is stored.').waitFor()
    expect(await page.locator('[data-live=at-risk]').textContent()).not.toContain('at risk')
    await file.editor.close()
    await stage.docServer.settled()
    expect(stage.complaints).toEqual([])
  })

  test('a failed save that is lost is cleared, and not while it may still come', async () => {
    const { app } = stage
    const id = await app.upload('lost for good.docx', makeDocx(['One']))
    const { key } = (await app.config(id)).document
    const row = { node: 'test', status: 2, author_id: 'ann', state: 'failed', error: 'interrupted' } as const
    await app.deps.database
      .insertInto('saves')
      .values({ ...row, id, key, document_id: id, received_at: new Date().toISOString() })
      .execute()
    const page = await stage.visit(PATH)
    const shown = rowOf(page, 'lost for good.docx')
    await confirmIn(page, shown, 'Clear the save of lost for good.docx')
    await told(page).toContain('until an hour has passed')

    const received_at = new Date(Date.now() - 3601_000).toISOString()
    await app.deps.database.updateTable('saves').set({ received_at }).where('id', '=', id).execute()
    await confirmIn(page, shown, 'Clear the save of lost for good.docx')
    await told(page).toBe('Cleared.')
    await gone(shown)
    await page.goto(`${app.url}/operations/audit?action=save-cleared`)
    expect(await rowOf(page, 'lost for good').textContent()).toContain('Administrator')
  })

  test('Retry takes the forgotten file of a save that failed at the end', async () => {
    const file = await forget('forgotten')
    const page = await stage.visit(PATH)
    await rowOf(page, 'forgotten.docx')
      .getByRole('button', { name: /^Retry/ })
      .click()
    await told(page).toContain('Brought home')
    expect(await paragraphs(file.id)).toEqual(['forgotten text', 'Two'])
    expect(stage.docServer.forgotten.has(file.key)).toBe(false)
    await gone(rowOf(page, 'forgotten.docx'))
  })

  test('a forgotten file is kept as a new document, and then Document Server need not keep it', async () => {
    const file = await forget('kept beside')
    const page = await stage.visit(PATH)
    await keepAs(page, 'kept beside.docx', 'document', 'Rescued')
    await told(page).toBe('Kept.')
    const { id } = await documentTitled('Rescued')
    expect(await paragraphs(id)).toEqual(['forgotten text', 'Two'])
    expect(await paragraphs(file.id)).toEqual(['One', 'Two'])
    expect(stage.docServer.forgotten.has(file.key)).toBe(false)
    await gone(rowOf(page, 'kept beside.docx'))
  })

  test('a forgotten file becomes the current version of its document', async () => {
    const file = await forget('made current')
    const page = await stage.visit(PATH)
    await keepAs(page, 'made current.docx', 'head')
    await told(page).toBe('Kept.')
    expect(await paragraphs(file.id)).toEqual(['forgotten text', 'Two'])
    expect(await kinds(file.id)).toEqual(['restored*', 'upload'])
  })

  test('a forgotten file of a document that nobody knows can only become a new one', async () => {
    const key = await strange('lost-with-a-backup', makeDocx(['lost', 'and found']))
    const page = await stage.visit(PATH)
    const row = rowOf(page, key)
    expect(await row.textContent()).toContain('No document here knows it')
    await row.getByRole('button', { name: /^Keep as/ }).click()
    const dialog = page.getByRole('dialog', { name: 'Keep as' })
    expect(await dialog.locator('[value=head]').isDisabled()).toBe(true)
    await dialog.getByLabel('Title of the new document').fill('Found again')
    await dialog.getByRole('button', { name: 'Keep' }).click()
    await told(page).toBe('Kept.')
    expect(await paragraphs((await documentTitled('Found again')).id)).toEqual(['lost', 'and found'])
    expect(stage.docServer.forgotten.has(key)).toBe(false)
  })

  test('a damaged forgotten file is refused in words and stays at Document Server', async () => {
    const key = await strange('damaged-file', Buffer.from('no docx at all'))
    const page = await stage.visit(PATH)
    await keepAs(page, key, 'document')
    await expect.poll(() => toastOf(page).getAttribute('class'), SOON).toContain('fault')
    expect(stage.docServer.forgotten.has(key)).toBe(true)
    stage.docServer.forgotten.delete(key)
    await recoverForgotten(stage.app.deps)
  })

  test('a conflict version is kept as a document beside, with the words behind its title', async () => {
    const file = await conflict('two sides')
    const page = await stage.visit(PATH)
    expect(await rowOf(page, 'two sides.docx').textContent()).toContain('conflict')
    await keepAs(page, 'two sides.docx', 'document')
    await told(page).toBe('Kept.')
    const { id } = await documentTitled('two sides (conflict)')
    expect(await paragraphs(id)).toEqual(['theirs', 'Two'])
    expect(await paragraphs(file.id)).toEqual(['One', 'Two'])
    await gone(rowOf(page, 'two sides.docx'))
  })

  test('a conflict version becomes the current one', async () => {
    const file = await conflict('their side')
    const page = await stage.visit(PATH)
    await keepAs(page, 'their side.docx', 'head')
    await told(page).toBe('Kept.')
    expect(await paragraphs(file.id)).toEqual(['theirs', 'Two'])
    await gone(rowOf(page, 'their side.docx'))
  })

  test('a recovery version that is left where it is is not listed any more', async () => {
    const file = await recovery('broken')
    const page = await stage.visit(PATH)
    const row = rowOf(page, 'broken.docx').filter({ hasText: 'recovery' })
    await confirmIn(page, row, /^Leave it/)
    await told(page).toContain('Left among the versions')
    await gone(row)
    expect(await kinds(file.id)).toContain('recovery')
  })

  test('it looks well empty, full and in a question; hostile names are text', async () => {
    const { deps } = stage.app
    await deps.database
      .updateTable('saves')
      .set({ state: 'resolved' })
      .where('state', '=', 'failed')
      .execute()
    await looksWell(stage, PATH, { name: 'saves-none' })
    await failSave('Quarterly figures for the whole of the northern region, third draft')
    await conflict(HOSTILE.replace('/', ''))
    await recovery('Minutes')
    await forget('Notes on the way home')
    await strange('lost', makeDocx(['lost']))
    await looksWell(stage, PATH, { name: 'saves' })
    const prepare = async (page: Page) => {
      expect(await page.locator('main img').count()).toBe(0)
      await page.getByRole('button', { name: /^Keep as…: version .*onerror/ }).click()
    }
    await looksWell(stage, PATH, { name: 'saves-keep', prepare })
    expect(stage.complaints).toEqual([])
  }, 120_000)
})
