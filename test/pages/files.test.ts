import { describe, expect, test } from 'vitest'
import { noBrowser } from '../support/browser.ts'
import { eventually, useStage } from './files-support.ts'

const stage = useStage()

describe.skipIf(noBrowser !== undefined)(`the list of documents ${noBrowser ?? ''}`, () => {
  test('search finds while one types, keeps the focus, tells how many, and names the folder', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('Budget', { folder: '/Finance/2026' })
    await desk.make('Minutes')
    await desk.show('/files')
    await page.getByRole('searchbox', { name: 'Search titles' }).pressSequentially('budg')
    await eventually(desk.titles).toEqual(['Budget'])
    expect(await page.locator('[role=status][data-live=count]').textContent()).toBe('1 document found')
    expect(await desk.row('Budget').getByText('/Finance/2026').count()).toBe(1)
    expect(await page.evaluate('document.activeElement.name + document.activeElement.value')).toBe(
      'searchbudg',
    )
    await eventually(() => new URL(page.url()).searchParams.get('search')).toBe('budg')

    await page.keyboard.type('xyz')
    await page.getByRole('heading', { name: 'Nothing found' }).waitFor()
    await page.getByRole('link', { name: 'Show all documents here' }).click()
    await eventually(desk.titles).toEqual(['Minutes'])
    expect(await page.getByRole('searchbox').inputValue()).toBe('')
    expect(desk.complaints).toEqual([])
  })

  test('what was found is shown in its folder', async () => {
    await using desk = await stage.open()
    await desk.make('Budget', { folder: '/Finance & more/2026' })
    await desk.make('Beside it', { folder: '/Finance & more/2026' })
    await desk.show('/files', { search: 'budget' })
    await desk.choose('Budget', 'Show in folder')
    await eventually(desk.titles).toEqual(['Beside it', 'Budget'])
    expect(await desk.page.getByRole('searchbox').inputValue()).toBe('')
    await desk.row('Budget').getByRole('button').click()
    expect(await desk.page.getByRole('menuitem', { name: 'Show in folder' }).count()).toBe(0)
  })

  test('a search in a folder looks below it, and can be widened to all', async () => {
    await using desk = await stage.open()
    await desk.make('Plan A', { folder: '/A/Deep' })
    await desk.make('Plan B', { folder: '/B' })
    await desk.show('/files', { folder: '/A', search: 'plan' })
    expect(await desk.titles()).toEqual(['Plan A'])
    await desk.show('/files', { folder: '/A', search: 'plan b' })
    await desk.page.getByRole('link', { name: 'Search in all folders' }).click()
    await eventually(desk.titles).toEqual(['Plan B'])
  })

  test('column heads sort, both ways, and say so; the focus stays', async () => {
    await using desk = await stage.open()
    const { page } = desk
    for (const title of ['Bravo', 'Alpha', 'Charlie']) await desk.make(title)
    await desk.show('/files')
    expect(await desk.titles()).toEqual(['Charlie', 'Alpha', 'Bravo'])
    const sorted = () => page.locator('th[aria-sort]').evaluate((head) => [head.textContent, head.ariaSort])
    expect(await sorted()).toEqual(['Changed', 'descending'])
    await page.getByRole('link', { name: 'Title' }).focus()
    await page.keyboard.press('Enter')
    await eventually(desk.titles).toEqual(['Alpha', 'Bravo', 'Charlie'])
    expect(await sorted()).toEqual(['Title', 'ascending'])
    expect(await page.evaluate('document.activeElement.id')).toBe('sort-title')
    await page.keyboard.press('Enter')
    await eventually(desk.titles).toEqual(['Charlie', 'Bravo', 'Alpha'])
    await page.goBack()
    await eventually(desk.titles).toEqual(['Alpha', 'Bravo', 'Charlie'])
  })

  test('a type is picked out, and an empty one says so', async () => {
    await using desk = await stage.open()
    await desk.make('Letter')
    await desk.make('Table', { type: 'Sheet', format: 'XLSX' })
    await desk.show('/files')
    await desk.page.getByLabel('Type').selectOption('Spreadsheet')
    await eventually(desk.titles).toEqual(['Table'])
    await desk.page.getByLabel('Type').selectOption('Presentation')
    await desk.page.getByRole('heading', { name: 'None of this type here' }).waitFor()
    await desk.page.getByRole('link', { name: 'Show all types' }).click()
    await eventually(desk.titles).toEqual(['Table', 'Letter'])
  })

  test('folders are gone down into and up again, with the number of documents in them', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('Deep one', { folder: '/Reports/2026' })
    await desk.make('Above', { folder: '/Reports' })
    await desk.show('/files')
    await page.getByText('No documents directly in here').waitFor()
    await page.getByRole('link', { name: 'Reports 2 documents' }).click()
    await eventually(desk.titles).toEqual(['Above'])
    await eventually(() => page.evaluate('document.activeElement.textContent')).toBe('Reports')
    await page.getByRole('link', { name: '2026 1 document' }).click()
    await eventually(desk.titles).toEqual(['Deep one'])
    await page.getByRole('navigation', { name: 'Folders above' }).getByRole('link', { name: 'Files' }).click()
    await page.getByRole('heading', { name: 'Files', level: 1 }).waitFor()
    await page.getByRole('list', { name: 'Folders' }).getByText('Reports').waitFor()
  })

  test('a hundred documents make a page', async () => {
    await using desk = await stage.open()
    const { page } = desk
    const numbers = Array.from({ length: 103 }, (_, number) => 100 + number)
    await Promise.all(numbers.map((number) => desk.make(`Number ${number}`)))
    await desk.show('/files', { sortBy: 'title', sortDescending: 'false' })
    expect(await desk.titles()).toHaveLength(100)
    await page.getByText('1–100 of 103').waitFor()
    await page.getByRole('link', { name: 'Next' }).click()
    await eventually(desk.titles).toEqual(['Number 200', 'Number 201', 'Number 202'])
    // Past the end, as when the last page was emptied, is the last page.
    await desk.show('/files', { skip: '500' })
    expect(await desk.titles()).toHaveLength(3)
    await page.getByRole('link', { name: 'Previous' }).click()
    await eventually(desk.titles).toHaveLength(100)
  })

  test('another workspace is switched to, the default one comes first', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('Of the choir')
    await stage.app.upload('Elsewhere.txt', Buffer.from('x'))
    await stage.asAdministrator('POST', '/api/documents', { title: 'Default', type: 'Docs', format: 'TXT' })
    await page.goto(`${stage.app.url}/`)
    await page.waitForURL(`${stage.app.url}/files`)
    await eventually(desk.titles).toEqual(['Default'])
    const names = await page.getByLabel('Workspace').locator('option').allTextContents()
    expect(names[0]).toBe('default')
    await page.getByLabel('Workspace').selectOption(desk.workspaceId)
    await eventually(desk.titles).toEqual(['Of the choir'])
    await page.goBack()
    await eventually(desk.titles).toEqual(['Default'])
    expect(await page.getByLabel('Workspace').locator('option:checked').textContent()).toBe('default')
    expect((await page.goto(`${stage.app.url}/files?workspaceId=none`))?.status()).toBe(404)
  })

  test('what another client does appears by itself, and leaves selection and focus alone', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('First')
    const listening = page.waitForResponse(/\/live/)
    await desk.show('/files')
    await listening
    await desk.row('First').getByRole('checkbox').check()
    await desk.row('First').getByRole('button', { name: 'Actions' }).focus()
    const second = await desk.make('Second')
    await eventually(desk.titles).toEqual(['Second', 'First'])
    expect(await desk.row('First').getByRole('checkbox').isChecked()).toBe(true)
    expect(await desk.row('Second').getByRole('checkbox').isChecked()).toBe(false)
    expect(await page.evaluate("document.activeElement.closest('tr').querySelector('a').textContent")).toBe(
      'First',
    )
    await stage.asAdministrator('PATCH', `/api/documents/${second}`, { title: 'Renamed' })
    await eventually(desk.titles).toEqual(['Renamed', 'First'])
  })

  test('who has a document open is told; times are in the zone of the reader', async () => {
    await using desk = await stage.open()
    const documentId = await desk.make('Shared')
    for (const userName of ['Ann', 'Bea', 'Cyd']) {
      const joined = { documentId, userId: userName.toLowerCase(), userName }
      await stage.asAdministrator('POST', '/api/collaboration/join', joined)
    }
    await desk.show('/files')
    await desk.row('Shared').getByText('Open: Ann, Bea and 1 more').waitFor()
    const time = desk.row('Shared').locator('time')
    const at = new Date((await time.getAttribute('datetime')) ?? '')
    const shown = new Intl.DateTimeFormat('en-GB', {
      dateStyle: 'medium',
      timeStyle: 'short',
      timeZone: 'Asia/Tokyo',
    })
    await eventually(() => time.textContent()).toBe(shown.format(at))
  })

  test('a service that cannot be reached is told of, and asked again', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('Here')
    await desk.show('/files')
    await page.route('**/files?*', (route) => route.abort())
    await page.getByRole('searchbox').fill('here')
    await page.getByRole('alert').getByText('could not be loaded').waitFor()
    await page.unroute('**/files?*')
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('alert').waitFor({ state: 'hidden' })
    expect(await desk.titles()).toEqual(['Here'])
  })
})
