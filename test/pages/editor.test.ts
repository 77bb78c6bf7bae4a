import type { Page } from 'playwright-core'
import { afterAll, expect, test, vi } from 'vitest'
import { startEmulator } from '../../src/emulator/start.ts'
import { QUICK, startPair } from '../docserver/support.ts'
import { SECRET, startApp, type TestApp } from '../support/app.ts'
import { editorOf, noBrowser, openPage, paragraphOf, startBrowser, viewerUrl } from '../support/browser.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { freePort } from '../support/ports.ts'

const browser = noBrowser === undefined ? await startBrowser() : undefined
const pair = await startPair()
afterAll(async () => {
  await browser?.close()
  await pair[Symbol.asyncDispose]()
})

const because = noBrowser === undefined ? '' : ` (${noBrowser})`

/** A test with a page that is signed in; skipped by name where there is no browser. */
function inBrowser(
  name: string,
  app: () => Promise<TestApp> | TestApp,
  run: (opened: Opened) => Promise<void>,
) {
  const title = `${name}${because}`
  if (browser === undefined) return test.skip(title, () => {})
  return test(title, async () => {
    const service = await app()
    await using opened = await openPage(browser, service)
    await run({ ...opened, app: service })
    if (service !== pair.app) await service[Symbol.asyncDispose]()
  })
}

type Opened = { app: TestApp; page: Page; complaints: string[] }

const trouble = (page: Page) => page.locator('#trouble')
const saveState = (page: Page) => page.locator('#save-state')

inBrowser(
  'a hostile title is text on the page, in its tab and in the editor',
  () => pair.app,
  async ({ app, page, complaints }) => {
    const title = '</script><img src=x onerror="window.wasHit = true">'
    const made = await app.fetch('/api/documents', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title, type: 'Docs', format: 'DOCX' }),
    })
    const { id } = (await made.json()) as { id: string }
    await page.goto(viewerUrl(app, id))
    await paragraphOf(page, 1).waitFor()
    expect(await page.textContent('h1')).toBe(`${title}.docx`)
    expect(await page.title()).toBe(`${title}.docx`)
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.evaluate('window.wasHit')).toBeUndefined()
    expect(complaints).toEqual([])
  },
)

inBrowser(
  'the page says in words that the editor cannot be loaded',
  async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    return startApp({ env: { NODE_ENV: 'test', ONLYOFFICE_URL: url, ONLYOFFICE_JWT_SECRET: SECRET } })
  },
  async ({ app, page }) => {
    const id = await app.upload('report.docx', makeDocx(['First']))
    await page.goto(viewerUrl(app, id))
    await trouble(page).waitFor()
    const { ONLYOFFICE_URL } = app.deps.config
    expect(await trouble(page).textContent()).toContain('The editor could not be loaded from Document Server')
    expect(await trouble(page).textContent()).toContain(ONLYOFFICE_URL)
    expect(await page.getByRole('button', { name: 'Try again' }).isVisible()).toBe(true)
  },
)

test(`the page says in words that the secrets differ${because}`, async (context) => {
  if (browser === undefined) return context.skip(noBrowser)
  await using docServer = await startEmulator({ secret: 'the-other-secret-0123456789abcdef', timings: QUICK })
  await using app = await startApp({ docServer, env: { ONLYOFFICE_JWT_SECRET: SECRET } })
  await using opened = await openPage(browser, app)
  const id = await app.upload('report.docx', makeDocx(['First']))
  await opened.page.goto(viewerUrl(app, id))
  await trouble(opened.page).waitFor()
  expect(await trouble(opened.page).textContent()).toContain('ONLYOFFICE_JWT_SECRET')
})

test(`the page says in words that Document Server cannot fetch the file${because}`, async (context) => {
  if (browser === undefined) return context.skip(noBrowser)
  await using docServer = await startEmulator({ secret: SECRET, timings: QUICK })
  const env = { INTERNAL_URL: `http://127.0.0.1:${await freePort()}` }
  await using app = await startApp({ docServer, env })
  await using opened = await openPage(browser, app)
  const id = await app.upload('report.docx', makeDocx(['First']))
  await opened.page.goto(viewerUrl(app, id))
  await trouble(opened.page).waitFor()
  expect(await trouble(opened.page).textContent()).toContain('INTERNAL_URL')
})

inBrowser(
  'the page shows saving, saved and not saved',
  () => pair.app,
  async ({ app, page }) => {
    const { docServer } = pair
    const id = await app.upload('report.docx', makeDocx(['First']))
    await page.goto(viewerUrl(app, id))
    await paragraphOf(page, 1).fill('One')
    await editorOf(page).getByText('All changes sent').waitFor()
    docServer.faults.files({ kind: 'slow', bytesPerSecond: 1200 })
    await editorOf(page).getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saving…', { exact: true }).waitFor()
    await saveState(page)
      .getByText(/^Saved at \d\d:\d\d:\d\d$/)
      .waitFor()

    docServer.faults.files({ kind: 'status', status: 404 })
    await paragraphOf(page, 1).fill('Two')
    await editorOf(page).getByText('All changes sent').waitFor()
    await editorOf(page).getByRole('button', { name: 'Save' }).click()
    await saveState(page)
      .getByText(/^Not saved/)
      .waitFor()
  },
)

inBrowser(
  'when the head is replaced, the page moves to the new key without a reload',
  () => pair.app,
  async ({ app, page }) => {
    const { docServer } = pair
    const id = await app.upload('report.docx', makeDocx(['First']))
    await page.goto(viewerUrl(app, id))
    await paragraphOf(page, 1).fill('Typed before')
    await editorOf(page).getByText('All changes sent').waitFor()
    await page.evaluate('window.wasNotReloaded = true')
    const { key } = (await app.config(id)).document
    const upload = (await app.versions(id)).at(-1)

    const restored = await app.fetch(`/api/documents/${id}/versions/${upload?.id}/restore`, {
      method: 'POST',
    })
    expect(restored.status).toBe(200)

    await vi.waitFor(async () => expect(await paragraphOf(page, 1).textContent()).toBe('First'), {
      timeout: 10_000,
    })
    expect(await page.evaluate('window.wasNotReloaded')).toBe(true)
    const next = (await app.config(id)).document.key
    expect(next).not.toBe(key)
    await vi.waitFor(() => expect(docServer.editorsOf(next)).toHaveLength(1))
    await paragraphOf(page, 1).fill('Typed after')
    await editorOf(page).getByText('All changes sent').waitFor()
    await editorOf(page).getByRole('button', { name: 'Save' }).click()
    await vi.waitFor(async () => expect(docxParagraphs(await app.download(id))).toEqual(['Typed after']))
    expect((await app.versions(id)).map(({ kind }) => kind)).toContain('cut')
    expect(await trouble(page).isVisible()).toBe(false)
  },
)

inBrowser(
  'a legacy or read-only document is shown without a save state',
  () => pair.app,
  async ({ app, page, complaints }) => {
    const id = await app.upload('report.docx', makeDocx(['First']))
    await page.goto(viewerUrl(app, id, '?mode=view'))
    await paragraphOf(page, 1).waitFor()
    expect(await editorOf(page).getByText('View only').isVisible()).toBe(true)
    expect(await saveState(page).textContent()).toBe('Reading only')
    expect(complaints).toEqual([])
  },
)

inBrowser(
  'a phone gets the same page in its width',
  () => pair.app,
  async ({ app, page }) => {
    await page.setViewportSize({ width: 390, height: 800 })
    const id = await app.upload(`${'A long title that does not fit '.repeat(5)}.docx`, makeDocx(['First']))
    await page.goto(viewerUrl(app, id))
    await paragraphOf(page, 1).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
  },
)
