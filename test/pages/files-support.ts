import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { ADMIN_TOKEN, type AppOptions, startApp, type TestApp } from '../support/app.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { SHOTS } from '../support/looks.ts'

/** Signed in as the administrator, in a workspace that no other test of the file uses. */
export type Desk = AsyncDisposable & {
  page: Page
  workspaceId: string
  /** Violations of the content security policy, script errors and errors of the console. */
  complaints: string[]
  /** Shows a page of this workspace. */
  show(path: '/files' | '/trash', query?: Record<string, string>): Promise<void>
  /** Makes a blank document as another client. @returns its id */
  make(title: string, given?: { type?: string; format?: string; folder?: string }): Promise<string>
  titles(): Promise<string[]>
  row(title: string): Locator
  /** Opens the row's menu and chooses from it. */
  choose(title: string, item: string): Promise<void>
}

export type Stage = {
  app: TestApp
  asAdministrator(method: string, path: string, body?: object): Promise<Response>
  open(options?: BrowserContextOptions): Promise<Desk>
}

/** One service and one browser for the tests of a file. */
export function useStage(options: AppOptions = {}): Stage {
  let app: TestApp
  let browser: Browser | undefined
  beforeAll(async () => {
    app = await startApp(options)
    if (noBrowser === undefined) browser = await startBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await app?.[Symbol.asyncDispose]()
  })

  const asAdministrator: Stage['asAdministrator'] = (method, path, body) =>
    app.fetch(path, {
      as: ADMIN_TOKEN,
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })

  return {
    get app() {
      return app
    },
    asAdministrator,
    async open(contextOptions) {
      if (browser === undefined) throw new Error(noBrowser)
      const context = await browser.newContext({
        locale: 'en-GB',
        timezoneId: 'Asia/Tokyo',
        viewport: { width: 1000, height: 800 },
        ...contextOptions,
      })
      const signedIn = await context.request.post(`${app.url}/sign-in`, {
        form: { token: ADMIN_TOKEN },
        maxRedirects: 0,
      })
      expect(signedIn.status()).toBe(303)
      const { workspaceId } = await createApiKey(app.deps, { name: 'Choir', permissions: [] })
      const page = await context.newPage()
      page.setDefaultTimeout(8000)
      const complaints: string[] = []
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      const row = (title: string) =>
        page.locator('tr[data-id]').filter({ has: page.locator('[id^=t]').getByText(title, { exact: true }) })
      return {
        page,
        workspaceId,
        complaints,
        row,
        async show(path, query = {}) {
          await page.goto(`${app.url}${path}?${new URLSearchParams({ workspaceId, ...query })}`)
        },
        async make(title, { type = 'Docs', format = 'DOCX', folder = '/' } = {}) {
          const made = { title, type, format, folder }
          const response = await asAdministrator('POST', `/api/documents?workspaceId=${workspaceId}`, made)
          expect(response.status).toBe(201)
          return ((await response.json()) as { id: string }).id
        },
        titles: () => page.locator('tr[data-id] [id^=t]').allTextContents(),
        async choose(title, item) {
          await row(title).getByRole('button', { name: 'Actions' }).click()
          await page.getByRole('menuitem', { name: item }).click()
        },
        [Symbol.asyncDispose]: () => context.close(),
      }
    },
  }
}

/** As `expect.poll`, for what a page does after it heard from the service. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { timeout: 8000 })
}

/** The words of the toast that came last. */
export function toastOf(page: Page): Locator {
  return page.locator('#toasts .toast').last()
}

let axe: Promise<string> | undefined

type Found = {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** What is seriously wrong with the page for people with disabilities. */
export async function seriousFaults(page: Page): Promise<string[]> {
  axe ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(await axe)
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as Found
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html + failureSummary).join()}`)
}

export async function shoot(page: Page, name: string): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${name}.png` })
}

export async function isWiderThanWindow(page: Page): Promise<unknown> {
  return page.evaluate('document.documentElement.scrollWidth > window.innerWidth')
}
