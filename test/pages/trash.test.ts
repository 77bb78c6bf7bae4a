import { describe, expect, test } from 'vitest'
import { noBrowser } from '../support/browser.ts'
import { testClock } from '../support/clock.ts'
import { LOOKS } from '../support/looks.ts'
import { eventually, isWiderThanWindow, seriousFaults, shoot, toastOf, useStage } from './files-support.ts'

const clock = testClock(new Date().toISOString())
const stage = useStage({ env: { TRASH_DAYS: '10' }, overrides: { clock: clock.now } })

const remove = (id: string) => stage.asAdministrator('DELETE', `/api/documents/${id}`)

describe.skipIf(noBrowser !== undefined)(`the trash ${noBrowser ?? ''}`, () => {
  test('says what was deleted last, and when it will be erased', async () => {
    await using desk = await stage.open()
    const [first, second] = [await desk.make('First', { folder: '/Old' }), await desk.make('Second')]
    await desk.make('Kept')
    await remove(second)
    clock.pass(60)
    await remove(first)
    await desk.show('/trash')
    expect(await desk.titles()).toEqual(['First', 'Second'])
    await desk.page.getByText('stays here for 10 days').waitFor()
    const times = await desk
      .row('First')
      .locator('time')
      .evaluateAll((all) => all.map((time) => time.getAttribute('datetime')))
    expect(Date.parse(times[1] ?? '') - Date.parse(times[0] ?? '')).toBe(10 * 24 * 3600_000)
    expect(await desk.row('First').getByText('from /Old').count()).toBe(1)
    expect(desk.complaints).toEqual([])
  })

  test('one is brought back by its button, by keyboard too, many at once by selection', async () => {
    await using desk = await stage.open()
    const { page } = desk
    for (const title of ['One', 'Two', 'Three', 'Four']) await remove(await desk.make(title))
    await desk.show('/trash')
    await desk.row('Three').getByRole('button', { name: 'Restore' }).focus()
    await page.keyboard.press('Enter')
    await eventually(desk.titles).toEqual(['Four', 'Two', 'One'])
    expect(await page.evaluate("document.activeElement.closest('tr').textContent")).toContain('Two')
    await page.getByRole('checkbox', { name: 'Select all' }).check()
    await desk.row('One').getByRole('checkbox').uncheck()
    await page
      .getByRole('group', { name: 'With those selected' })
      .getByRole('button', { name: 'Restore' })
      .click()
    await toastOf(page).getByText('2 documents restored').waitFor()
    await eventually(desk.titles).toEqual(['One'])
    await desk.show('/files')
    expect((await desk.titles()).toSorted()).toEqual(['Four', 'Three', 'Two'])
  })

  test('what another client deletes appears; another workspace has its own', async () => {
    await using desk = await stage.open()
    const { page } = desk
    const id = await desk.make('Late')
    const listening = page.waitForResponse(/\/live/)
    await desk.show('/trash')
    await listening
    await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
    clock.pass(1)
    await remove(id)
    await eventually(desk.titles).toEqual(['Late'])
    await page.getByLabel('Workspace').selectOption({ label: 'default' })
    await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
    await page.goBack()
    await eventually(desk.titles).toEqual(['Late'])
    expect(await page.getByLabel('Workspace').inputValue()).toBe(desk.workspaceId)
  })

  test('a hundred make a page, and past the end is the last one', async () => {
    await using desk = await stage.open()
    const made = await Promise.all(Array.from({ length: 101 }, (_, number) => desk.make(`Number ${number}`)))
    await Promise.all(made.map(remove))
    await desk.show('/trash')
    expect(await desk.titles()).toHaveLength(100)
    await desk.page.getByRole('link', { name: 'Next' }).click()
    await eventually(desk.titles).toHaveLength(1)
    await desk.show('/trash', { skip: '700' })
    expect(await desk.titles()).toHaveLength(1)
  })

  test.each(LOOKS)(
    'at $width px, $colorScheme: nothing is seriously inaccessible',
    async ({ width, colorScheme }) => {
      await using desk = await stage.open({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true })
      const { page } = desk
      await desk.show('/trash')
      expect(await seriousFaults(page)).toEqual([])
      await shoot(page, `trash-empty-${width}-${colorScheme}`)
      for (const title of ['Plan', '‮<b>W</b>'.repeat(50)])
        await remove(await desk.make(title, { folder: '/A/B' }))
      await desk.show('/trash')
      await desk.row('Plan').getByRole('checkbox').check()
      expect(await seriousFaults(page)).toEqual([])
      expect(await isWiderThanWindow(page)).toBe(false)
      await shoot(page, `trash-${width}-${colorScheme}`)
    },
  )
})

describe.skipIf(noBrowser !== undefined)('a trash that keeps for ever', () => {
  const forever = useStage({ env: { TRASH_DAYS: '0' } })

  test('says so', async () => {
    await using desk = await forever.open()
    await forever.asAdministrator('DELETE', `/api/documents/${await desk.make('Plan')}`)
    await desk.show('/trash')
    expect(await desk.row('Plan').getByRole('cell', { name: 'Never' }).count()).toBe(1)
    await desk.page.getByText('until it is restored').waitFor()
  })
})
