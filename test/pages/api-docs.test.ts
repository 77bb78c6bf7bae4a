import { afterAll, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { noBrowser, openPage, startBrowser } from '../support/browser.ts'

const app = await startApp()
const browser = noBrowser === undefined ? await startBrowser() : undefined
afterAll(async () => {
  await browser?.close()
  await app[Symbol.asyncDispose]()
})
const inBrowser = browser === undefined ? test.skip : test
const because = noBrowser === undefined ? '' : ` (${noBrowser})`

inBrowser(
  `the API is read and tried in the browser, with nothing from other sites${because}`,
  async () => {
    if (browser === undefined) return
    await using opened = await openPage(browser, app, { signedIn: false })
    const { page, complaints } = opened
    const origins = new Set<string>()
    page.on('request', (request) => origins.add(new URL(request.url()).origin))
    await app.fetch('/api/documents', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title: 'Seen in the docs', type: 'Docs', format: 'DOCX' }),
    })

    await page.goto(`${app.url}/api/docs`)
    await page.getByRole('button', { name: 'Authorize' }).first().click()
    await page.getByLabel('auth-bearer-value').fill(app.token)
    await page.getByRole('button', { name: 'Apply credentials' }).click()
    await page.getByRole('button', { name: 'Close', exact: true }).last().click()

    const list = page.locator('#operations-Documents-getDocuments')
    await list.locator('.opblock-summary-control').click()
    await list.getByRole('button', { name: 'Try it out' }).click()
    await list.getByRole('button', { name: 'Execute' }).click()
    const answer = list.locator('.live-responses-table')
    expect(await answer.locator('.response-col_status').last().textContent()).toContain('200')
    expect(await answer.textContent()).toContain('Seen in the docs')

    // Schemas and examples are drawn by other parts of Swagger UI.
    await page.locator('#operations-Documents-putDocumentsByDocumentId .opblock-summary-control').click()
    await page.getByRole('tab', { name: 'Schema' }).first().click()
    await page.locator('section.models button').first().click()
    const operations = await page.locator('.opblock').count()
    expect(operations).toBeGreaterThan(50)
    expect(complaints).toEqual([])
    expect([...origins]).toEqual([new URL(app.url).origin])
  },
  90_000,
)

test('the page and all that it loads lie below the sub-path, also behind a proxy that strips it', async () => {
  await using below = await startApp({ env: { BASE_PATH: '/office' } })
  const { origin } = new URL(below.url)
  const page = await fetch(`${origin}/office/api/docs`)
  expect(page.headers.get('content-security-policy')).not.toContain('unsafe-inline')
  const html = await page.text()
  const links = [...html.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, link = '']) => link)
  expect(links.length).toBeGreaterThan(5)
  expect(html).toContain('data-api="/office/api"')
  for (const link of links) {
    expect(link).toMatch(/^\/office\//)
    expect([link, (await fetch(`${origin}${link}`)).status]).toEqual([link, 200])
    const stripped = await fetch(`${origin}${link.slice('/office'.length)}`)
    expect([link, stripped.status]).toEqual([link, 200])
  }
})

test('the files of Swagger UI are kept by browsers, and no others of it are there', async () => {
  const html = await (await fetch(`${app.url}/api/docs`)).text()
  const [script = ''] = /\/api\/docs\/assets\/[\d.]+\/swagger-ui-bundle\.js/.exec(html) ?? []
  const response = await fetch(`${app.url}${script}`)
  expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(response.headers.get('content-type')).toMatch(/^(text|application)\/javascript/)
  const other = await fetch(`${app.url}${script.replace('swagger-ui-bundle.js', 'package.json')}`)
  expect(other.status).toBe(404)
})
