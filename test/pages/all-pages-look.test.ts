import { describe, expect, test } from 'vitest'
import { noBrowser } from '../support/browser.ts'
import { eventually, isWiderThanWindow, seriousFaults, shoot, useStage } from './files-support.ts'

const stage = useStage()

const MOST_BYTES = 60_000
const PHONE = { viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true, bypassCSP: true }

const SIGNED_IN = [
  '/files',
  '/trash',
  '/operations/sessions',
  '/operations/audit',
  '/settings/api-keys',
  '/settings/appearance',
  '/settings/configuration',
  '/admin/doctor',
  '/help',
  '/help/pair',
]

/** What fingers can press and miss; a link within a text is as high as its line. */
const SMALL = `[...document.querySelectorAll('a[href], button, select, summary, input:not([type=hidden])')]
  .filter((one) => one.checkVisibility() && !one.matches('.skip, :is(p, dd, td, article > ul, .contents) a'))
  .map((one) => [one, ((one.matches('[type=checkbox], [type=radio]') && one.closest('td, th, label')) || one).getBoundingClientRect()])
  .filter(([, { width, height }]) => width < 44 || height < 44)
  .map(([one, { width, height }]) => one.outerHTML.slice(0, 80) + ' ' + width + ' x ' + height)`

describe.skipIf(noBrowser !== undefined)(`what all pages have in common ${noBrowser ?? ''}`, () => {
  test('on a telephone everything can be pressed, nothing is wide, nothing is heavy', async () => {
    await using desk = await stage.open(PHONE)
    const { page, complaints } = desk
    const id = await desk.make('Plan', { folder: '/Reports' })
    await desk.make('Minutes')
    const shown = { '/files': `?workspaceId=${desk.workspaceId}` } as Record<string, string>
    for (const path of [...SIGNED_IN, `/documents/${id}`]) {
      const answer = await page.goto(`${stage.app.url}${path}${shown[path] ?? ''}`)
      expect([path, ((await answer?.body())?.length ?? MOST_BYTES) < MOST_BYTES]).toEqual([path, true])
      expect([path, await page.evaluate(SMALL)]).toEqual([path, []])
      expect([path, await isWiderThanWindow(page)]).toEqual([path, false])
    }
    expect(complaints).toEqual([])
  })

  test('who is not signed in sees the colours that were chosen, and the way to the guides', async () => {
    await using desk = await stage.open({ ...PHONE, colorScheme: 'light' })
    const { page } = desk
    await page.goto(`${stage.app.url}/settings/appearance`)
    await page.getByLabel('dark', { exact: true }).check()
    await page.context().clearCookies()
    for (const path of ['/', '/sign-in', '/nowhere', '/open/none', '/help']) {
      await page.goto(`${stage.app.url}${path}`)
      const scheme = 'getComputedStyle(document.documentElement).colorScheme'
      expect([path, await page.evaluate(scheme)]).toEqual([path, 'dark'])
      expect([path, await seriousFaults(page)]).toEqual([path, []])
      expect([path, await isWiderThanWindow(page)]).toEqual([path, false])
      await shoot(page, `all-360-dark${path.replaceAll('/', '-')}`)
    }
    await page.goto(`${stage.app.url}/`)
    await page.getByRole('link', { name: 'Help' }).click()
    await page.getByRole('heading', { name: 'Help' }).waitFor()
  })

  test('the Enter key does what a dialog is for, and the list of keys fits on a tablet', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await page.goto(`${stage.app.url}/settings/api-keys`)
    await page.getByRole('button', { name: 'New API key' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Reports')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Secret of Reports' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Rename Reports' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Old reports')
    await page.keyboard.press('Enter')
    await page.getByText('Old reports').waitFor()
    for (const width of [740, 900]) {
      await page.setViewportSize({ width, height: 700 })
      expect([width, await isWiderThanWindow(page)]).toEqual([width, false])
    }
  })

  test('a proxy that answers while the service starts anew takes nothing away', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.show('/files')
    await page.evaluate('window.isSame = true')
    await page.route('**/files?*', (route) => route.fulfill({ status: 502, body: '<h1>Bad gateway</h1>' }))
    const refused = page.waitForResponse((response) => response.status() === 502)
    await desk.make('One')
    await refused
    await page.unroute('**/files?*')
    await desk.make('Two')
    await eventually(desk.titles).toHaveLength(2)
    expect(await page.evaluate('window.isSame')).toBe(true)
  })

  test('what is asked of a service that does not answer is told in words', async () => {
    await using desk = await stage.open()
    const { page } = desk
    await desk.make('Plan')
    await desk.show('/files')
    await page.route('**/api/documents/**', (route) => route.abort())
    await desk.choose('Plan', 'Delete')
    await page.getByText('The service does not answer: try again in a moment').waitFor()
    expect(await desk.titles()).toEqual(['Plan'])
  })
})
