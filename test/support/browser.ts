import { existsSync } from 'node:fs'
import {
  type Browser,
  type BrowserContext,
  chromium,
  type FrameLocator,
  type Locator,
  type Page,
} from 'playwright-core'
import { ADMIN_TOKEN, type TestApp } from './app.ts'

/** The one without windows takes a third of the processor time. */
const PLACES = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']

const chromiumPath: string | undefined = process.env.CHROMIUM ?? PLACES.find((path) => existsSync(path))

/** Why the tests of pages cannot run here; undefined when they can. @throws when REQUIRE_SERVICES=1 forbids skipping */
export const noBrowser: string | undefined = (() => {
  if (chromiumPath !== undefined) return undefined
  if (process.env.REQUIRE_SERVICES === '1') throw new Error('Chromium is missing and REQUIRE_SERVICES=1')
  return 'skipped: Chromium is missing'
})()

export function startBrowser(): Promise<Browser> {
  if (chromiumPath === undefined) throw new Error('Chromium is missing')
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

export type OpenPage = AsyncDisposable & {
  page: Page
  context: BrowserContext
  /** Violations of the content security policy, script errors and errors of the console. */
  complaints: string[]
}

/** A page in a browser profile of its own, signed in as the administrator unless told otherwise. */
export async function openPage(browser: Browser, app: TestApp, { signedIn = true } = {}): Promise<OpenPage> {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1000, height: 700 } })
  const complaints: string[] = []
  const page = await context.newPage()
  page.setDefaultTimeout(10_000)
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  if (signedIn) {
    const response = await context.request.post(`${app.url}/sign-in`, {
      form: { token: ADMIN_TOKEN },
      maxRedirects: 0,
    })
    if (response.status() !== 303) throw new Error(`sign-in answered ${response.status()}`)
  }
  return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() }
}

export function viewerUrl(app: TestApp, id: string, query = ''): string {
  return `${app.url}/api/onlyoffice/viewer/${id}${query}`
}

/** The emulator's editor inside the page. */
export function editorOf(page: Page): FrameLocator {
  return page.frameLocator('iframe[name=frameEditor]')
}

/** @param number counted from 1 */
export function paragraphOf(page: Page, number: number): Locator {
  return editorOf(page).getByLabel(`Paragraph ${number}`, { exact: true })
}
