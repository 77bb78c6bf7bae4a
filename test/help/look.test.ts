import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { noBrowser, openPage, startBrowser } from '../support/browser.ts'
import { LOOKS, SHOTS } from '../support/looks.ts'
import { readGuides } from './support.ts'

const app = await startApp()
const browser = noBrowser === undefined ? await startBrowser() : undefined
afterAll(async () => {
  await browser?.close()
  await app[Symbol.asyncDispose]()
})

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const paths = (await readGuides(app)).map(({ path }) => path)

/** What is seriously wrong with the page for people with disabilities. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as {
    violations: { id: string; impact: string; nodes: { html: string }[] }[]
  }
  return violations
    .filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)
}

describe.skipIf(browser === undefined)(`the guides ${noBrowser ?? ''}`, () => {
  if (browser === undefined) return

  test.each(LOOKS.map((look, at) => ({ ...look, signedIn: at % 2 === 1 })))(
    'at $width px, $colorScheme, signed in: $signedIn: nothing runs over the side, nothing keeps anybody out',
    async (look) => {
      const { width, colorScheme, signedIn } = look
      await using opened = await openPage(browser, app, { signedIn })
      const { page, complaints } = opened
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 800 })
      for (const path of paths) {
        await page.goto(`${app.url}${path}`)
        expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, width])
        expect([path, await seriousFaults(page)]).toEqual([path, []])
        if (SHOTS !== undefined) {
          const name = `${path.slice(1).replace('/', '-')}-${width}-${colorScheme}`
          await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true })
        }
      }
      expect(complaints).toEqual([])
    },
  )

  test('a block is copied with one press', async () => {
    await using opened = await openPage(browser, app, { signedIn: false })
    const { page, context } = opened
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: app.url })
    await page.goto(`${app.url}/help/proxies`)
    const block = page.locator('figure', { hasText: 'Caddyfile' }).first()
    await block.getByRole('button', { name: 'Copy' }).click()
    await block.getByRole('button', { name: 'Copied' }).waitFor()
    const copied = await page.evaluate('navigator.clipboard.readText()')
    expect(copied).toBe(`${await block.locator('code').textContent()}\n`)
    expect(copied).toContain('reverse_proxy')
  })

  test('where the clipboard may not be written to, the block is selected', async () => {
    await using opened = await openPage(browser, app, { signedIn: false })
    const { page } = opened
    await page.addInitScript("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await page.goto(`${app.url}/help/proxies`)
    const block = page.locator('figure').first()
    await block.getByRole('button', { name: 'Copy' }).click()
    await block.getByRole('button', { name: 'Selected' }).waitFor()
    expect(await page.evaluate('String(getSelection())')).toBe(await block.locator('code').textContent())
  })

  test('the table of contents leads to its place, and the signed-in administrator keeps the way around', async () => {
    await using opened = await openPage(browser, app)
    const { page } = opened
    await page.goto(`${app.url}/help/pair`)
    await page
      .getByRole('navigation', { name: 'On this page' })
      .getByRole('link', { name: 'Large files' })
      .click()
    expect(new URL(page.url()).hash).toBe('#large-files')
    const main = page.getByRole('navigation', { name: 'Main' })
    expect(await main.getByRole('link', { name: 'Help' }).getAttribute('aria-current')).toBe('page')
    const guides = page.getByRole('navigation', { name: 'Guides' })
    expect(await guides.locator('[aria-current=page]').textContent()).toBe('Pair with a Document Server')
  })
})
