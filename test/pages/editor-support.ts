import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import type { Browser, BrowserContext, FrameLocator, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { MethodCall } from '../../src/emulator/host-calls.ts'
import { type Pair, startPair } from '../docserver/support.ts'
import type { TestApp } from '../support/app.ts'
import { openPage, startBrowser, viewerUrl } from '../support/browser.ts'

export const PATIENT = { timeout: 8000 }

/** One browser, one service and one Document Server for the tests of a file; each opens documents of its own. */
export type Stage = Pair & {
  browser: Browser
  /** Signed in as the administrator. */
  context: BrowserContext
  /** Lines of the service's log. */
  logged: Record<string, unknown>[]
  open(name: string, bytes: Buffer, query?: string): Promise<OpenEditor>
}

export type OpenEditor = AsyncDisposable & {
  page: Page
  frame: FrameLocator
  id: string
  /** Of the document when it was opened. */
  key: string
}

export async function startStage(): Promise<Stage> {
  const logged: Record<string, unknown>[] = []
  const stream = new Writable({
    write(line, _encoding, done) {
      logged.push(JSON.parse(String(line)))
      done()
    },
  })
  const pair = await startPair({ overrides: { log: pino({ level: 'info' }, stream) } })
  const browser = await startBrowser()
  const { context, page: first } = await openPage(browser, pair.app)
  await first.close()
  return {
    ...pair,
    browser,
    context,
    logged,
    async open(name, bytes, query = '?userId=ann&userName=Ann') {
      const id = await pair.app.upload(name, bytes)
      const page = await context.newPage()
      return openAt(pair.app, page, id, query)
    },
    async [Symbol.asyncDispose]() {
      await browser.close()
      await pair[Symbol.asyncDispose]()
    },
  }
}

/** A document in this page, once the editor shows it. */
export async function openAt(app: TestApp, page: Page, id: string, query = ''): Promise<OpenEditor> {
  page.setDefaultTimeout(PATIENT.timeout)
  await page.goto(viewerUrl(app, id, query))
  const frame = page.frameLocator('iframe[name=frameEditor]')
  await shown(frame)
  const { key } = (await app.config(id)).document
  return { page, frame, id, key, [Symbol.asyncDispose]: () => page.close() }
}

/** The emulator shows the text, or says that it cannot. */
export async function shown(frame: FrameLocator): Promise<void> {
  await frame.locator('[data-paragraph="0"], #notice:not([hidden])').first().waitFor()
  await frame.locator('#state:not(:text("Loading…"))').waitFor({ state: 'attached' })
}

export async function openTools(frame: FrameLocator): Promise<void> {
  const summary = frame.locator('[data-tools] > summary')
  if ((await frame.locator('[data-tools][open]').count()) === 0) await summary.click()
}

/** Presses a tool of the emulator, after its fields are filled. */
export async function press(
  { frame }: Pick<OpenEditor, 'frame'>,
  tool: string,
  { c, fields = {} }: { c?: string | undefined; fields?: Record<string, string> } = {},
): Promise<void> {
  await openTools(frame)
  const place = frame.locator(`[data-tool="${tool}"]`)
  for (const [name, text] of Object.entries(fields)) await place.locator(`[data-field="${name}"]`).fill(text)
  await place.locator(c === undefined ? 'button' : `button[data-c="${c}"]`).click()
}

export const trouble = (page: Page): Locator => page.locator('#trouble')
export const notice = (page: Page): Locator => page.locator('#notice')

/** The newest call of a method that the emulator has checked and whose addresses it has fetched. */
export async function calledWith(
  { docServer }: Pick<Stage, 'docServer'>,
  { key }: { key: string },
  method: string,
  expected: object,
): Promise<MethodCall> {
  const last = () => docServer.methodCalls(key).findLast((call) => call.method === method)
  await expect.poll(last, PATIENT).toMatchObject({ method, ...expected })
  const call = last()
  if (call === undefined) throw new Error(`${method} was not called`)
  return call
}

/** The newest event of this name that reached the page. */
export function toldOf({ docServer }: Pick<Stage, 'docServer'>, { key }: { key: string }, name: string) {
  return docServer.firedEvents(key).findLast((event) => event.name === name)
}

/** What a fetched file is expected to look like. */
export function fetchedAs(bytes: Buffer) {
  return { status: 200, sha256: createHash('sha256').update(bytes).digest('hex'), size: bytes.length }
}

/** Answers the dialog that asks for a document of the workspace. */
export async function choose(page: Page, name: string): Promise<void> {
  await page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
}
