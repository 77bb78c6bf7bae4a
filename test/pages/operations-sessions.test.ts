import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { until } from '../support/both.ts'
import { noBrowser } from '../support/browser.ts'
import { docxParagraphs } from '../support/files.ts'
import {
  confirmIn,
  gone,
  HOSTILE,
  looksWell,
  rowOf,
  SOON,
  told,
  useOperatorStage,
} from './operator-support.ts'

const stage = useOperatorStage()

const paragraphs = async (id: string) => docxParagraphs(await stage.app.download(id))

describe.skipIf(noBrowser !== undefined)(`open sessions ${noBrowser ?? ''}`, () => {
  test('what is typed is saved before everyone is disconnected', async () => {
    await using file = await edited('disconnected')
    file.editor.type(0, 'typed just now')
    const page = await stage.visit('/operations')
    const row = rowOf(page, 'disconnected.docx')
    await expect.poll(() => row.textContent(), SOON).toContain('ann')

    await confirmIn(page, row, 'Disconnect everyone from disconnected.docx')

    await told(page).toBe('Saved. 1 person disconnected.')
    expect(await paragraphs(file.id)).toEqual(['typed just now', 'Two'])
    expect(file.editor.isOpen).toBe(false)
    await stage.docServer.settled()
    await gone(row)
    expect(stage.complaints).toEqual([])
  })

  test('nobody is disconnected when the save does not succeed', async () => {
    await using file = await edited('kept open')
    file.editor.type(0, 'not stored yet')
    const page = await stage.visit('/operations/sessions')
    stage.docServer.faults.command({ c: 'forcesave', kind: 'answer', error: 3 }, Number.POSITIVE_INFINITY)

    await confirmIn(page, rowOf(page, 'kept open.docx'), /^Disconnect/)

    await told(page).toMatch(/forced save answered 3/i)
    expect(file.editor.isOpen).toBe(true)
    stage.docServer.faults.clear()
  })

  test('a save at once is stored as a version, and people go on', async () => {
    await using file = await edited('saved')
    file.editor.type(1, 'second')
    const page = await stage.visit('/operations/sessions')
    await page.getByRole('button', { name: 'Save now: saved.docx' }).click()
    await told(page).toBe('Saved.')
    expect(await paragraphs(file.id)).toEqual(['One', 'second'])
    expect(file.editor.isOpen).toBe(true)
    await page.getByRole('button', { name: 'Save now: saved.docx' }).click()
    await told(page).toBe('Everything was stored already.')
  })

  test('a session that hangs is closed; what it brings later is kept beside the document', async () => {
    await using file = await edited('hanging')
    file.editor.type(0, 'typed while it hangs')
    const page = await stage.visit('/operations/sessions')
    const row = rowOf(page, 'hanging.docx')
    stage.docServer.faults.command({ kind: 'status', status: 500 }, Number.POSITIVE_INFINITY)

    await confirmIn(page, row, 'Close the session of hanging.docx')

    await told(page).toContain('Closed without a last save')
    await gone(row)
    stage.docServer.faults.clear()
    expect((await stage.app.config(file.id)).document.key).not.toBe(file.key)
    await file.editor.close()
    await stage.docServer.settled()
    const kinds = (await stage.app.versions(file.id)).map(({ kind, isCurrent }) => `${kind} ${isCurrent}`)
    expect(kinds).toEqual(['conflict false', 'upload true'])
    expect(await paragraphs(file.id)).toEqual(['One', 'Two'])
  })

  test('a session that answers is saved, emptied and closed', async () => {
    await using file = await edited('closed')
    file.editor.type(0, 'the last words')
    const page = await stage.visit('/operations/sessions')
    await confirmIn(page, rowOf(page, 'closed.docx'), /^Close/)
    await told(page).toBe('Saved and closed.')
    expect(await paragraphs(file.id)).toEqual(['the last words', 'Two'])
    expect(file.editor.isOpen).toBe(false)
    await stage.docServer.settled()
    const kinds = (await stage.app.versions(file.id)).map(({ kind, isCurrent }) => `${kind} ${isCurrent}`)
    expect(kinds).toEqual(['cut true', 'upload false'])
    const { key } = (await stage.app.config(file.id)).document
    expect(key).not.toBe(file.key)
  })

  test('a question that is answered with Escape changes nothing, and the focus comes back', async () => {
    await using file = await edited('asked')
    const page = await stage.visit('/operations/sessions')
    const button = page.getByRole('button', { name: 'Disconnect everyone from asked.docx' })
    await button.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Disconnect everyone from asked.docx?' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await page.evaluate('document.activeElement.id')).toBe(await button.getAttribute('id'))
    expect(file.editor.isOpen).toBe(true)
  })

  test('who comes and goes is shown by itself', async () => {
    const page = await stage.visit('/operations/sessions')
    const file = await edited('live')
    const row = rowOf(page, 'live.docx')
    await row.waitFor()
    expect(await row.textContent()).toContain('ann')
    await file.editor.close()
    await stage.docServer.settled()
    await gone(row)
  })

  test('hostile names of documents and people are text', async () => {
    await using file = await edited(HOSTILE.replace('/', ''), HOSTILE)
    const page = await stage.visit('/operations/sessions')
    await until(async () => (await page.getByText('onerror=alert').count()) > 0)
    expect(await page.locator('main img').count()).toBe(0)
    expect(await page.locator('main').textContent()).not.toContain('\u202e')
    expect(file.editor.isOpen).toBe(true)
    expect(stage.complaints).toEqual([])
  })

  test('it looks well with sessions, in a question, and with none', async () => {
    {
      await using _one = await edited('Quarterly figures for the whole of the northern region, third draft')
      await using _two = await edited('Minutes', 'bea')
      await looksWell(stage, '/operations/sessions', { name: 'operations-sessions' })
      const prepare = (page: Page) =>
        page.getByRole('button', { name: /^Close the session of Minutes/ }).click()
      await looksWell(stage, '/operations/sessions', { name: 'operations-close', prepare })
    }
    await stage.docServer.settled()
    await stage.app.deps.database.updateTable('sessions').set({ next_forcesave_at: null }).execute()
    await looksWell(stage, '/operations/sessions', { name: 'operations-nobody' })
  })
})

async function edited(name: string, userId?: string) {
  const file = await stage.edit(`${name}.docx`, userId)
  return { ...file, [Symbol.asyncDispose]: () => file.editor.close() }
}
