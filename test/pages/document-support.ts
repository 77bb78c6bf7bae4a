import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { BrowserContextOptions, Locator, Page } from 'playwright-core'
import { type OpenPage, openPage } from '../support/browser.ts'
import { PATIENT, type Stage } from './editor-support.ts'

/** The page of a document, in a profile of its own, signed in. */
export async function openDocumentPage(stage: Stage, id: string): Promise<OpenPage> {
  const opened = await openPage(stage.browser, stage.app)
  opened.page.setDefaultTimeout(PATIENT.timeout)
  await opened.page.goto(`${stage.app.url}/documents/${id}`)
  return opened
}

/** A page that is signed in and seen as the options say; scripts of tests may be put in. */
export async function lookAt(
  stage: Stage,
  options: BrowserContextOptions,
): Promise<AsyncDisposable & { page: Page }> {
  const context = await stage.browser.newContext({
    locale: 'en-GB',
    bypassCSP: true,
    storageState: await stage.context.storageState(),
    ...options,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENT.timeout)
  return { page, [Symbol.asyncDispose]: () => context.close() }
}

type Found = {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** What is seriously wrong with a page for people with disabilities. */
export async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'))
  const { violations } = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as Found
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html + failureSummary).join()}`)
}

/** Calls the API as the administrator, by a bearer. */
export async function change(
  { app }: Pick<Stage, 'app'>,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const response = await app.fetch(`/api${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`)
  return response.status === 204 ? undefined : response.json()
}

export const part = (page: Page, name: string): Locator => page.locator(`[data-live="${name}"]`)
export const versionRows = (page: Page) => part(page, 'versions').locator('.row')
export const dialog = (page: Page) => page.getByRole('dialog')
export const toasts = (page: Page) => page.locator('#toasts')
export const textOf = (locator: Locator) => async () =>
  (await locator.textContent())?.replace(/\s+/g, ' ').trim()
export const button = (within: Page | Locator, name: string) =>
  within.getByRole('button', { name, exact: true })
