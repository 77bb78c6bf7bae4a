import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { noBrowser, type OpenPage, openPage, startBrowser } from '../support/browser.ts'
import { SHOTS } from '../support/looks.ts'

const app = await startApp()
const browser = noBrowser === undefined ? await startBrowser() : undefined
afterAll(async () => {
  await browser?.close()
  await app[Symbol.asyncDispose]()
})

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const note = (page: Page) => page.getByRole('textbox', { name: 'Shared note' })
const textOf = (page: Page) => note(page).inputValue()
const state = (page: Page) => page.locator('#state').textContent()
const flags = (page: Page) => page.locator('.flag').allTextContents()
const shoot = async (page: Page, name: string) => {
  if (SHOTS !== undefined) await page.screenshot({ path: `${SHOTS}/${name}.png` })
}

async function openNote(browser: Browser, name: string, on: TestApp = app): Promise<OpenPage> {
  const opened = await openPage(browser, on)
  await opened.page.goto(`${on.url}/demo/collaboration?name=${name}`)
  await expect.poll(() => state(opened.page)).toBe('Saved')
  return opened
}

/** What is seriously wrong with the page for people with disabilities. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const { violations } = (await page.evaluate("axe.run({ resultTypes: ['violations'] })")) as {
    violations: { id: string; impact: string }[]
  }
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact)).map(({ id }) => id)
}

/** A browser without a network complains of nothing else. */
const isOfNetwork = (complaint: string) => /ERR_INTERNET_DISCONNECTED|WebSocket/.test(complaint)

async function clear(page: Page): Promise<void> {
  await note(page).fill('')
  await expect.poll(() => state(page)).toBe('Saved')
}

describe.skipIf(browser === undefined)(`the shared note ${noBrowser ?? ''}`, () => {
  if (browser === undefined) return

  test('two people write in one note, see each other, and nothing is blocked by the policy', async () => {
    await using ann = await openNote(browser, 'Ann')
    await using bea = await openNote(browser, 'Bea')
    await expect.poll(() => ann.page.getByRole('listitem').allTextContents()).toEqual(['Ann (you)', 'Bea'])
    await note(ann.page).pressSequentially('Hello Bea')
    await expect.poll(() => textOf(bea.page)).toBe('Hello Bea')
    await expect.poll(() => flags(bea.page)).toEqual(['Ann'])

    // Bea's caret stays behind her word while Ann writes before it.
    await note(bea.page).press('Control+End')
    await note(bea.page).pressSequentially('\nHello Ann')
    await note(ann.page).press('Control+Home')
    await note(ann.page).pressSequentially('Dear all: ')
    await expect.poll(() => textOf(bea.page)).toBe('Dear all: Hello Bea\nHello Ann')
    await note(bea.page).pressSequentially('!')
    await expect.poll(() => textOf(ann.page)).toBe('Dear all: Hello Bea\nHello Ann!')

    await note(bea.page).press('Shift+Control+ArrowLeft')
    await expect.poll(() => ann.page.locator('.selection').allTextContents()).not.toEqual([])
    await shoot(ann.page, 'demo')
    await expect.poll(() => state(ann.page)).toBe('Saved')

    await bea.page.close()
    await expect.poll(() => ann.page.getByRole('listitem').allTextContents()).toEqual(['Ann (you)'])
    await expect.poll(() => flags(ann.page)).toEqual([])
    expect(await ann.page.getByRole('status').textContent()).toContain('Bea has left.')
    await clear(ann.page)
    expect([...ann.complaints, ...bea.complaints]).toEqual([])
  })

  test('one loses the network, both go on writing, and both texts are there when it is back', async () => {
    await using ann = await openNote(browser, 'Ann')
    await using bea = await openNote(browser, 'Bea')
    await note(ann.page).fill('Middle')
    await expect.poll(() => textOf(bea.page)).toBe('Middle')
    await bea.context.setOffline(true)
    await expect.poll(() => state(bea.page)).toBe('Offline')
    await note(bea.page).press('Control+Home')
    await note(bea.page).pressSequentially('Bea first. ')
    await expect.poll(() => state(bea.page)).toBe('Offline: your changes wait here')
    await note(ann.page).press('Control+End')
    await note(ann.page).pressSequentially(', and Ann last.')
    await expect.poll(() => state(ann.page)).toBe('Saved')
    expect(await textOf(ann.page)).toBe('Middle, and Ann last.')
    await shoot(bea.page, 'demo-offline')

    await bea.context.setOffline(false)
    await expect.poll(() => textOf(ann.page)).toBe('Bea first. Middle, and Ann last.')
    await expect.poll(() => textOf(bea.page)).toBe('Bea first. Middle, and Ann last.')
    await expect.poll(() => state(bea.page)).toBe('Saved')
    await clear(ann.page)
    expect([...ann.complaints, ...bea.complaints].filter((complaint) => !isOfNetwork(complaint))).toEqual([])
  })

  test('whoever works offline by choice is back with everything by choice', async () => {
    await using ann = await openNote(browser, 'Ann')
    await using bea = await openNote(browser, 'Bea')
    const offline = ann.page.getByRole('button', { name: 'Work offline' })
    await offline.click()
    await note(ann.page).fill('Written alone')
    await expect.poll(() => state(ann.page)).toBe('Offline: your changes wait here')
    expect(await textOf(bea.page)).toBe('')
    await offline.click()
    await expect.poll(() => textOf(bea.page)).toBe('Written alone')
    await clear(bea.page)
  })

  test('what others write waits while an input method composes, what is composed goes out', async () => {
    await using ann = await openNote(browser, 'Ann')
    await using bea = await openNote(browser, 'Bea')
    await note(ann.page).focus()
    const ime = await ann.context.newCDPSession(ann.page)
    await ime.send('Input.imeSetComposition', { text: 'にほ', selectionStart: 2, selectionEnd: 2 })
    await expect.poll(() => textOf(bea.page)).toBe('にほ')
    await note(bea.page).press('Control+Home')
    await note(bea.page).pressSequentially('From Bea: ')
    await expect.poll(() => state(bea.page)).toBe('Saved')
    await ime.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 })
    expect(await textOf(ann.page)).toBe('にほん')
    await ime.send('Input.insertText', { text: '日本' })
    await expect.poll(() => textOf(ann.page)).toBe('From Bea: 日本')
    await expect.poll(() => textOf(bea.page)).toBe('From Bea: 日本')
    await clear(ann.page)
  })

  test('undo takes back what was typed here, not what others wrote', async () => {
    await using ann = await openNote(browser, 'Ann')
    await using bea = await openNote(browser, 'Bea')
    await note(ann.page).pressSequentially('Mine ')
    await expect.poll(() => textOf(bea.page)).toBe('Mine ')
    await note(bea.page).press('Control+End')
    await note(bea.page).pressSequentially('hers 👩‍🚀')
    await expect.poll(() => textOf(ann.page)).toBe('Mine hers 👩‍🚀')
    await note(ann.page).press('Control+z')
    await expect.poll(() => textOf(bea.page)).toBe('hers 👩‍🚀')
    await note(ann.page).press('Control+y')
    await expect.poll(() => textOf(bea.page)).toBe('Mine hers 👩‍🚀')
    await clear(ann.page)
  })

  test('names are friendly if none is given, and the note is one document', async () => {
    await using ann = await openPage(browser, app)
    await ann.page.goto(`${app.url}/demo/collaboration`)
    await expect.poll(() => ann.page.getByRole('listitem').first().textContent()).toMatch(/^\w+ \w+ \(you\)$/)
    const found = await app.fetch('/api/documents?externalId=demo-collaboration', { as: ADMIN_TOKEN })
    const { documents } = (await found.json()) as { documents: { title: string; format: string }[] }
    expect(documents.map(({ title, format }) => [title, format])).toEqual([['Shared note', 'TXT']])
  })

  test.each(['light', 'dark'] as const)('%s: the page fits a small phone', async (colorScheme) => {
    await using ann = await openNote(browser, 'Ann')
    await using bea = await openNote(browser, 'Bea%20with%20a%20very%20long%20name')
    await ann.page.emulateMedia({ colorScheme })
    await ann.page.setViewportSize({ width: 360, height: 740 })
    await note(bea.page).fill(
      'A line that is too long for a small screen and has to be broken.\n\nAnother one.',
    )
    await note(bea.page).press('Control+Home')
    await note(bea.page).press('End')
    await note(bea.page).press('Shift+Control+ArrowLeft')
    await expect.poll(() => flags(ann.page)).toEqual(['Bea with a very long name'])
    await note(ann.page).focus()
    expect(await ann.page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    await shoot(ann.page, `demo-phone-${colorScheme}`)
    expect(await seriousFaults(ann.page)).toEqual([])
    await ann.page.getByRole('button', { name: 'Work offline' }).click()
    await note(ann.page).press('End')
    await note(ann.page).pressSequentially(' Alone.')
    await expect.poll(() => state(ann.page)).toBe('Offline: your changes wait here')
    expect(await seriousFaults(ann.page)).toEqual([])
    expect(await ann.page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
    await shoot(ann.page, `demo-phone-${colorScheme}-offline`)
    await ann.page.getByRole('button', { name: 'Work offline' }).click()
    await expect.poll(() => state(ann.page)).toBe('Saved')
    await clear(bea.page)
  })

  test('below a sub-path, too', async () => {
    await using below = await startApp({ env: { BASE_PATH: '/office' } })
    await using opened = await openNote(browser, 'Ann', below)
    await note(opened.page).pressSequentially('Below')
    await expect.poll(() => state(opened.page)).toBe('Saved')
    expect(opened.complaints).toEqual([])
  })
})

test('whoever is not signed in is sent to the first page', async () => {
  const answer = await fetch(`${app.url}/demo/collaboration`, { redirect: 'manual' })
  expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
})
