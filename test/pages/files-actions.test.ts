import { describe, expect, test } from 'vitest'
import { noBrowser } from '../support/browser.ts'
import { eventually, toastOf, useStage } from './files-support.ts'

const stage = useStage()

async function documentOf(id: string) {
  const response = await stage.asAdministrator('GET', `/api/documents/${id}`)
  return (await response.json()) as { title: string; folder: string; format: string; id: string }
}

describe.skipIf(noBrowser !== undefined)(`what is done with documents ${noBrowser ?? ''}`, () => {
  test('the menu of a row is used by keyboard: arrows, letters, Escape; the focus comes back', async () => {
    await using desk = await stage.open()
    const { page } = desk
    const id = await desk.make('Plan')
    await desk.show('/files')
    const button = desk.row('Plan').getByRole('button', { name: 'Actions' })
    const focused = () => page.evaluate('document.activeElement.textContent')
    await button.focus()
    await page.keyboard.press('Enter')
    await eventually(focused).toBe('Open')
    expect(await page.getByRole('menuitem').allTextContents()).toEqual([
      'Open',
      'Details',
      'Rename',
      'Move',
      'Copy',
      'Download',
      'Delete',
    ])
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('Details')
    await page.keyboard.press('End')
    expect(await focused()).toBe('Delete')
    await page.keyboard.press('ArrowDown')
    expect(await focused()).toBe('Open')
    await page.keyboard.press('m')
    expect(await focused()).toBe('Move')
    await page.keyboard.press('Escape')
    await page.getByRole('menu').waitFor({ state: 'hidden' })
    expect(await button.evaluate((one) => one.matches(':focus'))).toBe(true)
    await button.click()
    const link = (name: string) => page.getByRole('menuitem', { name }).getAttribute('href')
    expect(await link('Open')).toBe(`/api/onlyoffice/viewer/${id}`)
    expect(await link('Details')).toBe(`/documents/${id}`)
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: 'Download' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('Plan.docx')
    expect(desk.complaints).toEqual([])
  })

  test('arrow keys go from row to row, Delete puts one into the trash and goes on in the next', async () => {
    await using desk = await stage.open()
    const { page } = desk
    for (const title of ['One', 'Two', 'Three']) await desk.make(title)
    await desk.show('/files')
    await page.getByRole('link', { name: 'Three' }).focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Delete')
    await eventually(desk.titles).toEqual(['Three', 'One'])
    expect(await page.evaluate('document.activeElement.textContent')).toBe('One')
  })

  test('a document is renamed', async () => {
    await using desk = await stage.open()
    const { page } = desk
    const id = await desk.make('Draft')
    await desk.show('/files')
    await desk.choose('Draft', 'Rename')
    const title = page.getByRole('dialog', { name: 'Rename' }).getByLabel('Title')
    expect(await title.inputValue()).toBe('Draft')
    await title.fill('Final')
    await page.keyboard.press('Enter')
    await eventually(desk.titles).toEqual(['Final'])
    expect((await documentOf(id)).title).toBe('Final')
  })

  test('documents are moved into a folder, one that is there or a new one', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('Old', { folder: '/Archive/Old' })
    const ids = [await desk.make('One'), await desk.make('Two')]
    await desk.show('/files')
    await page.getByRole('checkbox', { name: 'Select all' }).check()
    await page
      .getByRole('group', { name: 'With those selected' })
      .getByRole('button', { name: 'Move' })
      .click()
    const dialog = page.getByRole('dialog', { name: 'Move' })
    await dialog.getByText('2 documents').waitFor()
    await dialog.getByRole('button', { name: 'Archive' }).click()
    await dialog.getByRole('button', { name: 'Old' }).waitFor()
    await dialog.getByLabel('New folder in it').fill('New & <b>bold')
    await dialog.getByRole('button', { name: 'Move here' }).click()
    await toastOf(page).getByText('2 documents moved to /Archive/New & <b>bold').waitFor()
    expect(await desk.titles()).toEqual([])
    const folders = (await Promise.all(ids.map(documentOf))).map(({ folder }) => folder)
    expect(folders).toEqual(Array(2).fill('/Archive/New & <b>bold'))
  })

  test('a copy gets a title and a place', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('In there', { folder: '/Copies' })
    await desk.make('Plan')
    await desk.show('/files')
    await desk.choose('Plan', 'Copy')
    const dialog = page.getByRole('dialog', { name: 'Copy' })
    expect(await dialog.getByLabel('Title').inputValue()).toBe('Plan (copy)')
    await dialog.getByLabel('Title').fill('Plan B')
    await dialog.getByRole('button', { name: 'Copies' }).click()
    await dialog.getByRole('button', { name: '↑ Up' }).waitFor()
    await dialog.getByRole('button', { name: 'Copy here' }).click()
    await toastOf(page).getByText('Copied').waitFor()
    await page.getByRole('link', { name: 'Copies 2 documents' }).click()
    await eventually(desk.titles).toEqual(['Plan B', 'In there'])
  })

  test('a folder is renamed with all that is in it', async () => {
    await using desk = await stage.open()
    const { page } = desk
    const id = await desk.make('Deep', { folder: '/Old/Deep' })
    await desk.show('/files')
    await page.getByRole('button', { name: 'Move or rename the folder Old' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('New')
    await page.keyboard.press('Enter')
    await toastOf(page).getByText('Folder moved with 1 document').waitFor()
    await page.getByRole('link', { name: 'New 1 document' }).waitFor()
    expect((await documentOf(id)).folder).toBe('/New/Deep')
  })

  test('a new folder opens empty and is kept by what is made in it', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.show('/files')
    await page.getByRole('heading', { name: 'No documents here yet' }).waitFor()
    await page.getByRole('button', { name: 'New folder' }).click()
    await page.getByRole('dialog').getByLabel('Name').fill('Ideas')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Nothing in this folder yet' }).waitFor()
    await page.getByRole('button', { name: 'New document' }).click()
    const dialog = page.getByRole('dialog', { name: 'New document' })
    expect(await dialog.getByRole('radio').count()).toBe(12 + 16)
    await dialog.getByLabel('Title').fill('Table')
    await dialog.getByLabel('Excel').check()
    await dialog.getByLabel('Open it').uncheck()
    await dialog.getByRole('button', { name: 'Create' }).click()
    await eventually(desk.titles).toEqual(['Table'])
    await page.getByRole('navigation', { name: 'Folders above' }).getByRole('link', { name: 'Files' }).click()
    await page.getByRole('link', { name: 'Ideas 1 document' }).waitFor()
  })

  test('a document from a template is made and opened', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.show('/files')
    await page.getByRole('button', { name: 'New document' }).click()
    await page.getByRole('dialog').getByLabel('Invoice').check()
    await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click()
    await page.waitForURL('**/api/onlyoffice/viewer/*')
    const id = page.url().split('/').at(-1) ?? ''
    expect(await documentOf(id)).toMatchObject({ title: 'Invoice', format: 'XLSX', folder: '/' })
  })

  test('rows are selected up to one with Shift; those deleted come back with Undo', async () => {
    await using desk = await stage.open()
    const { page } = desk
    for (const title of ['A', 'B', 'C', 'D']) await desk.make(title)
    await desk.show('/files', { sortBy: 'title', sortDescending: 'false' })
    await desk.row('A').getByRole('checkbox').click()
    await desk
      .row('C')
      .getByRole('checkbox')
      .click({ modifiers: ['Shift'] })
    const group = page.getByRole('group', { name: 'With those selected' })
    await group.getByText('3 selected').waitFor()
    expect(await page.evaluate("document.getElementById('all').indeterminate")).toBe(true)
    await group.getByRole('button', { name: 'Delete' }).click()
    await eventually(desk.titles).toEqual(['D'])
    expect(await group.isVisible()).toBe(false)
    await toastOf(page).getByText('3 documents deleted').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await eventually(desk.titles).toEqual(['A', 'B', 'C', 'D'])
  })

  test('what the service refuses is told in its words, what it did is done', async () => {
    await using desk = await stage.open()
    const gone = await desk.make('Gone')
    await desk.make('There')
    await desk.page.route('**/live', (route) => route.abort())
    await desk.show('/files')
    await desk.page.getByRole('checkbox', { name: 'Select all' }).check()
    await stage.asAdministrator('DELETE', `/api/documents/${gone}`)
    await desk.page.getByRole('group').getByRole('button', { name: 'Delete' }).click()
    await desk.page.getByText('1 of 2 failed: Document not found').waitFor()
    await desk.page.getByText('1 document deleted').waitFor()
    expect(await desk.titles()).toEqual([])
  })

  test('whoever signed out meanwhile is led to the sign-in, and nothing is changed', async () => {
    await using desk = await stage.open()
    const { page } = desk
    const id = await desk.make('Plan')
    // A page whose line is refused goes to the sign-in by itself.
    const line = page.waitForResponse(/\/live(\?|$)/)
    await desk.show('/files')
    await line
    await page.context().clearCookies()
    await desk.choose('Plan', 'Delete')
    await page.waitForURL(`${stage.app.url}/`)
    await page.getByLabel('Admin token').waitFor()
    expect((await documentOf(id)).title).toBe('Plan')
  })
})
