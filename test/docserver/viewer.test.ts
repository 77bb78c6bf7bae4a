import { Readable } from 'node:stream'
import jwt from 'jsonwebtoken'
import { afterAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, SECRET, startApp } from '../support/app.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'
import { bearerWith, openedDocx, startPair } from './support.ts'

// One service for the whole file: each test works on documents of its own.
const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())
const { app, docServer } = pair

const BROWSER = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const SCRIPT = { ...BROWSER, 'x-requested-with': 'XMLHttpRequest' }

type PageData = {
  config: { document: { key: string; title: string }; token: string }
  documentUrl: string
  pageToken: string
}

/** What the page's own script reads. */
function pageData(html: string): PageData {
  const text = /<script type="application\/json" id="page"[^>]*>([^<]*)<\/script>/.exec(html)?.[1]
  if (text === undefined) throw new Error('the page holds no data')
  return JSON.parse(text)
}

function viewer(id: string, headers: Record<string, string> = BROWSER, as?: string | null, query = '') {
  return app.fetch(`/api/onlyoffice/viewer/${id}${query}`, { headers, ...(as === undefined ? {} : { as }) })
}

test("the viewer is a page with the signed config, the editor's script and a strict policy", async () => {
  const { id, key } = await openedDocx(app)

  const response = await viewer(id)
  const html = await response.text()

  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/html/)
  const { config, documentUrl } = pageData(html)
  expect(config.document.key).toBe(key)
  expect(documentUrl).toBe(`/api/onlyoffice/documents/${id}`)
  expect(jwt.verify(config.token, SECRET)).toMatchObject({ document: { key } })
  expect(html).toContain(`src="${docServer.url}/web-apps/apps/api/documents/api.js"`)

  const policy = response.headers.get('content-security-policy') ?? ''
  const nonce = /script-src 'nonce-([^']+)' (\S+);/.exec(policy)
  expect(nonce?.[2]).toBe(docServer.url)
  expect(policy).toContain(`frame-src ${docServer.url};`)
  expect(policy).toContain("connect-src 'self'")
  expect(policy).toContain("frame-ancestors 'self'")
  expect(policy).not.toMatch(/unsafe|\*|upgrade-insecure-requests/)
  const scripts = [...html.matchAll(/<script\b[^>]*>/g)].map(([tag]) => tag)
  for (const tag of scripts) expect(tag).toContain(`nonce="${nonce?.[1]}"`)
  expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  expect(response.headers.get('cache-control')).toBe('no-store')
  const again = (await viewer(id)).headers.get('content-security-policy')
  expect(again).not.toBe(policy)
})

test("who may frame the page is the administrator's choice", async () => {
  await using own = await startPair({
    env: { FRAME_ANCESTORS: 'https://files.example.com https://b.example.com' },
  })
  const { id } = await openedDocx(own.app)
  const response = await own.app.fetch(`/api/onlyoffice/viewer/${id}`)
  const policy = response.headers.get('content-security-policy')
  expect(policy).toContain("frame-ancestors 'self' https://files.example.com https://b.example.com")
  expect(response.headers.get('x-frame-options')).toBeNull()
})

test('only an https address asks for upgraded requests', async () => {
  await using own = await startPair({
    env: { PUBLIC_URL: 'https://docs.example.com', INTERNAL_URL: 'http://127.0.0.1:1' },
  })
  const { id } = await openedDocx(own.app)
  const response = await own.app.fetch(`/api/onlyoffice/viewer/${id}`)
  expect(response.headers.get('content-security-policy')).toContain('upgrade-insecure-requests')
  expect(response.headers.get('strict-transport-security')).toMatch(/max-age/)
})

test('a hostile title is text in the page, in whichever place it stands', async () => {
  const title = '</script><img src=x onerror=alert(1)>"\'&\u2028<!--'
  const made = await app.fetch('/api/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title, type: 'Docs', format: 'DOCX' }),
  })
  const { id } = (await made.json()) as { id: string }
  const html = await (await viewer(id)).text()
  expect(html).not.toContain('<img')
  expect(html).not.toContain('<!--')
  expect(pageData(html).config.document.title).toBe(`${title}.docx`)
  expect(html).toContain('&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;')
})

test('errors: a page for a browser, JSON for a script', async () => {
  const { id } = await openedDocx(app)
  const wrong = await app.upload('a.docx', makeDocx(['One']))
  const { sha256, size } = await app.deps.blobs.put(Readable.from([makeXlsx([['1']])]), { maxBytes: 1e6 })
  await app.deps.database
    .updateTable('versions')
    .set({ sha256, size })
    .where('document_id', '=', wrong)
    .execute()

  const cases: [string, string | null | undefined, number, string][] = [
    [crypto.randomUUID(), undefined, 404, 'DOCUMENT_NOT_FOUND'],
    [wrong, undefined, 400, 'MIME_TYPE_MISMATCH'],
    [id, null, 401, 'TOKEN_MISSING'],
    [id, 'nonsense', 401, 'TOKEN_INVALID'],
    [id, await bearerWith(app, ['collaboration:join']), 403, 'PERMISSION_MISSING'],
  ]
  for (const [document, as, status, error] of cases) {
    const page = await viewer(document, BROWSER, as)
    expect([page.status, page.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8'])
    expect(await page.text()).toMatch(/<h1[ >]/)
    for (const headers of [SCRIPT, { accept: 'application/json' }, { accept: '*/*' }]) {
      const json = await viewer(document, headers, as)
      expect(json.status).toBe(status)
      expect(await json.json()).toEqual({ message: expect.any(String), error })
    }
  }
})

test('without a Document Server the viewer says so with 424', async () => {
  await using alone = await startApp()
  const id = await alone.upload('a.docx', makeDocx(['One']))
  const response = await alone.fetch(`/api/onlyoffice/viewer/${id}`, { headers: BROWSER })
  expect(response.status).toBe(424)
  expect(await response.text()).toContain('No Document Server is configured')
})

test("the administrator's cookie opens the page and reads, and changes nothing without the page's own token", async () => {
  const { id } = await openedDocx(app)
  const signIn = await app.fetch('/sign-in', {
    method: 'POST',
    as: null,
    redirect: 'manual',
    body: new URLSearchParams({ token: ADMIN_TOKEN }),
  })
  expect(signIn.status).toBe(303)
  const cookie = signIn.headers.get('set-cookie') ?? ''
  expect(cookie).toMatch(/HttpOnly/i)
  expect(cookie).toMatch(/SameSite=Lax/i)
  const headers = { ...BROWSER, cookie: cookie.split(';')[0] ?? '' }
  expect((await viewer(id, headers, null)).status).toBe(200)
  expect((await app.fetch(`/api/documents/${id}`, { as: null, headers })).status).toBe(200)
  const deleted = await app.fetch(`/api/documents/${id}`, { method: 'DELETE', as: null, headers })
  expect(deleted.status).toBe(403)
  expect((await viewer(id, { ...headers, cookie: `${headers.cookie}x` }, null)).status).toBe(401)
})

test("a reader's page cannot ask for a config that edits", async () => {
  const { id } = await openedDocx(app)
  const reader = await bearerWith(app, ['documents:read'])
  const { documentUrl, pageToken } = pageData(await (await viewer(id, BROWSER, reader, '?mode=edit')).text())
  const response = await app.fetch(`${documentUrl}/refresh?mode=edit&t=${pageToken}`, { as: null })
  const { config } = (await response.json()) as { config: { editorConfig: { mode: string } } }
  expect(config.editorConfig.mode).toBe('view')
})

test('a page refreshes its own document alone, with its own user', async () => {
  const { id, key } = await openedDocx(app)
  const other = await openedDocx(app, 'other.docx')
  const html = await (await viewer(id, BROWSER, undefined, '?userId=zoe&userName=Zoe&lang=de')).text()
  const { pageToken } = pageData(html)
  const refresh = (document: string, token: string) =>
    app.fetch(`/api/onlyoffice/documents/${document}/refresh?t=${token}`, { as: null })
  const answer = await refresh(id, pageToken)
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({
    config: {
      document: { key },
      editorConfig: { user: { id: 'zoe', name: 'Zoe' }, lang: 'de' },
      token: expect.any(String),
    },
  })
  expect((await refresh(other.id, pageToken)).status).toBe(401)
  expect((await refresh(id, app.token)).status).toBe(401)
  expect((await app.fetch('/api/documents', { as: pageToken })).status).toBe(401)
})
