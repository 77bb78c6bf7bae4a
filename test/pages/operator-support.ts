import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { EmulatedEditor } from '../../src/emulator/editor.ts'
import { type AppOptions, openAs } from '../support/app.ts'
import { type Both, startBoth } from '../support/both.ts'
import { noBrowser, openPage, startBrowser } from '../support/browser.ts'
import { makeDocx } from '../support/files.ts'
import { LOOKS, SHOTS } from '../support/looks.ts'

export const HOSTILE = '<img src=x onerror=alert(1)>"\'&\u202etxt.exe'

/** One browser that is signed in, one service and one Document Server for the tests of a file. */
export type OperatorStage = AsyncDisposable &
  Pick<Both, 'app' | 'docServer'> & {
    browser: Browser
    context: BrowserContext
    /** Errors of the pages' consoles, scripts and security policy. */
    complaints: string[]
    /** A page of the application, once its script runs. */
    visit(path: string): Promise<Page>
    /** A new document that this user edits. */
    edit(name: string, userId?: string): Promise<{ id: string; key: string; editor: EmulatedEditor }>
  }

type StageOptions = Omit<AppOptions, 'docServer'>

/**
 * The stage of a file of tests, there while they run if a browser is. Document Server behaves again after each.
 *
 * @param prepare what else has to be there before the service starts, and how to start it
 */
export function useOperatorStage(
  prepare: () => StageOptions | Promise<StageOptions> = () => ({}),
): Omit<OperatorStage, typeof Symbol.asyncDispose> {
  let started: OperatorStage | undefined
  beforeAll(async () => {
    if (noBrowser === undefined) started = await startOperatorStage(await prepare())
  })
  afterEach(() => started?.docServer.faults.clear())
  afterAll(() => started?.[Symbol.asyncDispose]())
  const stage = () => {
    if (started === undefined) throw new Error('not started: only tests that run use it')
    return started
  }
  return {
    get app() {
      return stage().app
    },
    get docServer() {
      return stage().docServer
    },
    get browser() {
      return stage().browser
    },
    get context() {
      return stage().context
    },
    get complaints() {
      return stage().complaints
    },
    visit: (path) => stage().visit(path),
    edit: (name, userId) => stage().edit(name, userId),
  }
}

async function startOperatorStage(options: StageOptions): Promise<OperatorStage> {
  const both = await startBoth(options)
  const { app, docServer } = both
  const browser = await startBrowser()
  const { context, page: first, complaints } = await openPage(browser, app)
  await first.close()
  let last: Page | undefined
  return {
    app,
    docServer,
    browser,
    context,
    complaints,
    async visit(path) {
      // Each holds a connection for what is live, and browsers allow six.
      await last?.close()
      const page = await context.newPage()
      last = page
      page.setDefaultTimeout(15_000)
      page.on('console', (message) => {
        // A refusal is told in the console too.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
          complaints.push(message.text())
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      await page.goto(`${app.url}${path}`)
      return page
    },
    async edit(name, userId = 'ann') {
      const id = await app.upload(name, makeDocx(['One', 'Two']))
      const { key } = (await app.config(id)).document
      return { id, key, editor: await openAs(app, docServer, id, userId) }
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await both[Symbol.asyncDispose]()
    },
  }
}

/** How long a page may take to show what happened. */
export const SOON = { timeout: 15_000 }

export const toastOf = (page: Page): Locator => page.locator('#toasts .toast').last()

/** What the page says of what was just done: `await told(page).toBe('Kept.')`. */
export const told = (page: Page) => expect.poll(() => toastOf(page).textContent(), SOON)

export const gone = (rows: Locator) => expect.poll(() => rows.count(), SOON).toBe(0)

export const rowOf = (page: Page, name: string): Locator => page.getByRole('row').filter({ hasText: name })

/** Presses a button of the row and answers the question with yes. */
export async function confirmIn(page: Page, row: Locator, button: string | RegExp): Promise<void> {
  await row.getByRole('button', { name: button }).click()
  await page.getByRole('dialog').locator('button[value=yes]').click()
}

const MOST_PICTURED = 2600
const heightOf = (page: Page) => page.evaluate<number>('document.documentElement.scrollHeight')

type Found = {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** In each look: what is seriously wrong for people with disabilities, and what does not fit the page. */
export async function looksWell(
  { browser, context, app }: Pick<OperatorStage, 'browser' | 'context' | 'app'>,
  path: string,
  { name, prepare }: { name: string; prepare?: (page: Page) => Promise<unknown> },
): Promise<void> {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  const storageState = await context.storageState()
  for (const { width, colorScheme } of LOOKS) {
    const seen = await browser.newContext({
      locale: 'en-GB',
      bypassCSP: true,
      viewport: { width, height: 800 },
      reducedMotion: 'reduce',
      colorScheme,
      storageState,
    })
    const page = await seen.newPage()
    await page.goto(`${app.url}${path}`)
    await prepare?.(page)
    await page.evaluate(axe)
    const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as Found
    const serious = violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html + failureSummary).join()}`,
      )
    expect([width, colorScheme, ...serious]).toEqual([width, colorScheme])
    const wide = await page.evaluate('document.documentElement.scrollWidth')
    expect(wide).toBeLessThanOrEqual(width)
    if (SHOTS !== undefined)
      await page.screenshot({
        path: `${SHOTS}/${name}-${width}-${colorScheme}.png`,
        fullPage: true,
        clip: { x: 0, y: 0, width, height: Math.min(MOST_PICTURED, await heightOf(page)) },
      })
    await seen.close()
  }
}
