import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { noBrowser, viewerUrl } from '../support/browser.ts'
import { makeDocx, makeOle } from '../support/files.ts'
import { SHOTS } from '../support/looks.ts'
import { notice, openAt, press, type Stage, shown, startStage, trouble } from './editor-support.ts'

let stage: Stage
let axe: string
beforeAll(async () => {
  if (noBrowser !== undefined) return
  stage = await startStage()
  axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
})
afterAll(() => stage?.[Symbol.asyncDispose]())

const NOON = '2026-11-21T12:00:00.000Z'

type Found = {
  violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[]
}

/** What is seriously wrong with our page for people with disabilities; the editor is not ours. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = (await page.evaluate(
    "axe.run({ exclude: ['iframe'] }, { iframes: false, resultTypes: ['violations'] })",
  )) as Found
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html + failureSummary).join()}`)
}

const shoot = async (page: Page, name: string) => {
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${name}.png` })
}

/** A browser of its own that is signed in. */
async function signedIn(options: BrowserContextOptions): Promise<AsyncDisposable & { page: Page }> {
  const storageState = await stage.context.storageState()
  const context = await stage.browser.newContext({
    locale: 'en-GB',
    bypassCSP: true,
    viewport: { width: 1200, height: 750 },
    storageState,
    ...options,
  })
  return { page: await context.newPage(), [Symbol.asyncDispose]: () => context.close() }
}

const uploaded = (name = 'Yearly report.docx') => stage.app.upload(name, makeDocx(['One', 'Two']))
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true }

/** How the page is seen, and in which of its languages. */
const LOOKS: [name: string, options: BrowserContextOptions, query: string][] = [
  ['desktop', {}, ''],
  ['dark', { colorScheme: 'dark' }, ''],
  ['mobile', phone, '&type=mobile'],
  ['embedded', { viewport: { width: 700, height: 450 } }, '&type=embedded'],
  ['german', {}, '&lang=de-DE'],
]

describe.skipIf(noBrowser !== undefined)(`the page around the editor ${noBrowser ?? ''}`, () => {
  test.each(LOOKS)(
    '%s: nothing is seriously inaccessible, whatever it says',
    async (look, options, query) => {
      await using on = await signedIn(options)
      const { page } = on
      const editor = await openAt(stage.app, page, await uploaded(), `?userId=ann&userName=Ann${query}`)
      await expect.poll(() => page.locator('#save-state').textContent()).not.toBe('')
      expect(await seriousFaults(page)).toEqual([])
      await shoot(page, look)

      await stage.app.deps.events.publish(editor.id, { type: 'users', users: ['ann', 'Bea', 'Cyd'] })
      await stage.app.deps.events.publish(editor.id, { type: 'save-state', state: 'not-saved', at: NOON })
      if (look !== 'embedded' && look !== 'mobile') {
        await press(editor, 'save-as')
        await notice(page).waitFor()
      }
      await press(editor, 'signal-onError')
      await trouble(page).waitFor()
      await expect.poll(() => page.locator('#people').textContent()).not.toBe('')
      expect(await seriousFaults(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
      await shoot(page, `${look}-trouble`)

      if (look === 'embedded') return
      await press(editor, 'insert-image', { c: 'add' })
      await page.getByRole('dialog').waitFor()
      expect(await seriousFaults(page)).toEqual([])
      await page.keyboard.press('Escape')
      if (look === 'mobile') return
      await stage.app.upload('A neighbour.docx', makeDocx(['Other']))
      await press(editor, 'select-document', { c: 'compare' })
      await page.getByRole('dialog').getByRole('button', { name: 'A neighbour.docx' }).first().waitFor()
      expect(await seriousFaults(page)).toEqual([])
      await shoot(page, `${look}-dialog`)
    },
  )

  test('these tests find what is inaccessible', async () => {
    await using on = await signedIn({})
    const { page } = on
    await openAt(stage.app, page, await uploaded())
    await page.evaluate("document.getElementById('home').replaceChildren()")
    await page.evaluate("document.getElementById('home').removeAttribute('aria-label')")
    await page.evaluate("document.getElementById('save-state').style.color = '#ccc'")
    const faults = await seriousFaults(page)
    expect(faults.map((fault) => fault.split(':')[0]).toSorted()).toEqual(['color-contrast', 'link-name'])
  })

  test('a dialog is used by keyboard: it begins with the search, ends with Escape, and gives the focus back', async () => {
    await stage.app.upload('Only one.docx', makeDocx(['Other']))
    await using on = await signedIn({})
    const { page } = on
    const editor = await openAt(stage.app, page, await uploaded(), '?userId=ann&userName=Ann')
    const focused = () =>
      page.evaluate('document.activeElement.name || document.activeElement.type || document.activeElement.id')
    await press(editor, 'select-document', { c: 'compare' })
    const dialog = page.getByRole('dialog', { name: 'Choose a document' })
    await dialog.waitFor()
    expect(await focused()).toBe('search')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(focused).toBe('frameEditor')
    expect(stage.docServer.methodCalls(editor.key).map(({ method }) => method)).toEqual(['DocEditor'])

    await press(editor, 'select-document', { c: 'compare' })
    await dialog.waitFor()
    await page.keyboard.type('Only one')
    await expect.poll(() => dialog.locator('li').count()).toBe(1)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(focused).toBe('frameEditor')
    await expect
      .poll(() => stage.docServer.methodCalls(editor.key).map(({ method }) => method))
      .toContain('setRequestedDocument')
  })

  test('the keyboard goes from the way home through what is told to the editor', async () => {
    await using on = await signedIn({})
    const { page } = on
    const editor = await openAt(stage.app, page, await uploaded(), '?userId=ann&userName=Ann')
    await press(editor, 'signal-onError')
    await trouble(page).waitFor()
    await page.evaluate('document.activeElement.blur()')
    const order: unknown[] = []
    for (let step = 0; step < 4; step += 1) {
      await page.keyboard.press('Tab')
      order.push(
        await page.evaluate(
          'document.activeElement.ariaLabel || document.activeElement.textContent || document.activeElement.name',
        ),
      )
    }
    expect(order).toEqual(['All documents', 'Details', 'Dismiss', 'frameEditor'])
  })

  test('the page speaks the language of the editor, English where it does not know it', async () => {
    await using on = await signedIn({})
    const { page } = on
    const id = await uploaded()
    for (const [lang, home, spoken] of [
      ['de-AT', 'Alle Dokumente', 'de'],
      ['fr', 'Tous les documents', 'fr'],
      ['es', 'Todos los documentos', 'es'],
      ['zh-CN', '所有文档', 'zh'],
      ['fi', 'All documents', 'en'],
    ] as const) {
      await page.goto(viewerUrl(stage.app, id, `?lang=${lang}`))
      await page.getByLabel(home).waitFor()
      expect(await page.locator('html').getAttribute('lang')).toBe(spoken)
    }
  })

  test.each(['light', 'dark'] as const)(
    '%s: a guest who is asked for a name finds an accessible page',
    async (colorScheme) => {
      const made = await stage.app.fetch(`/api/documents/${await uploaded()}/links`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ grants: ['view', 'comment'] }),
      })
      const { url } = (await made.json()) as { url: string }
      await using on = await signedIn({ colorScheme })
      const { page } = on
      await page.goto(`${stage.app.url}${new URL(url).pathname}`)
      expect(await seriousFaults(page)).toEqual([])
      expect(await page.evaluate('document.activeElement.name')).toBe('name')
      await shoot(page, `guest-${colorScheme}`)
      await page.setViewportSize({ width: 390, height: 844 })
      await shoot(page, `guest-${colorScheme}-phone`)
      await page.keyboard.type('   ')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').waitFor()
      expect(await seriousFaults(page)).toEqual([])
      await page.keyboard.type('Passer-by')
      await page.keyboard.press('Enter')
      await shown(page.frameLocator('iframe[name=frameEditor]'))
      expect(await seriousFaults(page)).toEqual([])
      await shoot(page, `guest-${colorScheme}-document`)
    },
  )

  test('a document that can only be read offers to be converted, and goes on offering', async () => {
    await using on = await signedIn({})
    const { page } = on
    const ole = makeOle(['WordDocument', '1Table'])
    await openAt(stage.app, page, await stage.app.upload('old.doc', ole))
    await notice(page).getByRole('button', { name: 'Convert to edit' }).waitFor()
    await expect
      .poll(() =>
        page.evaluate(
          "performance.getEntriesByType('resource').some(({ name }) => name.includes('/refresh'))",
        ),
      )
      .toBe(true)
    expect(await notice(page).isVisible()).toBe(true)
    expect(await page.locator('#save-state').textContent()).toBe('Reading only')
    expect(await seriousFaults(page)).toEqual([])
    await shoot(page, 'convert')
  })

  test('an editor that cannot be loaded is told of accessibly', async () => {
    await using on = await signedIn({})
    const { page } = on
    await page.route('**/api.js', (route) => route.abort())
    await page.goto(viewerUrl(stage.app, await uploaded()))
    await trouble(page).waitFor()
    expect(await seriousFaults(page)).toEqual([])
    await shoot(page, 'not-loaded')
  })
})
