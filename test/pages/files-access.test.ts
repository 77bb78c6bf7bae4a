import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'

let app: TestApp
let cookie: string
let csrfToken: string
let origin: string

beforeAll(async () => {
  app = await startApp()
  origin = new URL(app.url).origin
  cookie = await signIn()
  csrfToken = tokenOf(await (await get('/files')).text())
})
afterAll(() => app[Symbol.asyncDispose]())

/** @returns the cookie */
async function signIn(): Promise<string> {
  const body = new URLSearchParams({ token: ADMIN_TOKEN })
  const response = await fetch(`${app.url}/sign-in`, { method: 'POST', redirect: 'manual', body })
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

function get(path: string, sent = cookie): Promise<Response> {
  return fetch(`${app.url}${path}`, { redirect: 'manual', headers: { cookie: sent } })
}

function tokenOf(html: string): string {
  return /"csrfToken":"([^"]+)"/.exec(html)?.[1] ?? ''
}

function change(headers: Record<string, string>): Promise<Response> {
  return fetch(`${app.url}/api/documents`, {
    method: 'POST',
    headers: { cookie, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ title: 'By cookie', type: 'Docs', format: 'TXT' }),
  })
}

test('the first address leads the administrator to the files, others see how to sign in', async () => {
  const first = await get('/')
  expect([first.status, first.headers.get('location')]).toEqual([303, '/files'])
  const other = await get('/', '')
  expect(other.status).toBe(200)
  expect(await other.text()).toContain('Admin token')
})

test.each(['/files', '/trash', '/files?folder=/a'])(
  '%s leads to the sign-in without a good cookie',
  async (path) => {
    const [name, value = ''] = cookie.split('=')
    const forged = `${value.slice(0, -4)}${value.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    for (const sent of ['', `${name}=`, `${name}=nonsense`, `${name}=${forged}`, `${name}=${ADMIN_TOKEN}`]) {
      const response = await get(path, sent)
      expect([sent, response.status, response.headers.get('location')]).toEqual([sent, 303, '/'])
    }
  },
)

test.each([
  ...['/FILES', '/Files/', '/TRASH', '/Operations/saves', '/Settings/configuration', '/ADMIN/doctor'],
  '/Documents/00000000-0000-7000-8000-000000000000',
])('%s, too, leads to the sign-in without a good cookie', async (path) => {
  const response = await get(path, '')
  expect([response.status, response.headers.get('location')]).toEqual([303, '/'])
})

test('what is live is told to nobody without a good cookie, however it is written', async () => {
  for (const path of ['/live', '/LIVE', '/Live/?documentId=x']) {
    const response = await get(path, '')
    expect([path, response.status]).toEqual([path, 401])
  }
})

test('pages are kept by no cache and run no script of others', async () => {
  for (const path of ['/files', '/trash']) {
    const { headers } = await get(path)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-security-policy')).toContain("script-src 'self';")
  }
})

test('the cookie changes something only from a page of ours, with its token', async () => {
  const good = { origin, 'x-csrf-token': csrfToken }
  expect((await change(good)).status).toBe(201)
  for (const headers of [
    { origin },
    { 'x-csrf-token': csrfToken },
    { ...good, 'x-csrf-token': '' },
    { ...good, 'x-csrf-token': `${csrfToken}x` },
    { ...good, origin: 'https://evil.example' },
    { ...good, origin: 'null' },
    { ...good, origin: `${origin}.evil.example` },
  ]) {
    const response = await change(headers as Record<string, string>)
    const { code } = (await response.json()) as { code: string }
    expect([headers, response.status, code]).toEqual([headers, 403, 'origin-refused'])
  }
})

test('after the sign-out the browser has no cookie, and without it the API answers 401', async () => {
  const response = await fetch(`${app.url}/sign-out`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie: await signIn(), origin },
  })
  expect(response.headers.get('set-cookie')).toMatch(/^docs_administrator=; Max-Age=0; Path=\//)
  const without = await change({ cookie: '', origin, 'x-csrf-token': csrfToken })
  expect(without.status).toBe(401)
})

test('what a browser kept of a cookie is worth nothing after the sign-out', async () => {
  const copied = await signIn()
  const other = await signIn()
  const own = { cookie: copied, origin }
  const csrf = tokenOf(await (await get('/files', copied)).text())
  const signOut = (headers: Record<string, string>) =>
    fetch(`${app.url}/sign-out`, { method: 'POST', redirect: 'manual', headers })

  expect((await signOut({ ...own, origin: 'https://evil.example' })).status).toBe(403)
  expect((await get('/files', copied)).status).toBe(200)
  expect((await signOut(own)).status).toBe(303)
  expect((await signOut(own)).status).toBe(303)

  for (const path of ['/files', '/operations/saves', '/admin/doctor']) {
    expect([path, (await get(path, copied)).status]).toEqual([path, 303])
  }
  expect((await get('/', copied)).status).toBe(200)
  expect((await get('/live', copied)).status).toBe(401)
  expect((await get('/api/documents', copied)).status).toBe(401)
  expect((await change({ ...own, 'x-csrf-token': csrf })).status).toBe(401)
  expect((await get('/files', other)).status).toBe(200)
})

test('workspaces are named in their order, the default one first', async () => {
  for (const name of ['zebra', 'Apple', 'mango', 'Beta'])
    await createApiKey(app.deps, { name, permissions: [] })
  const html = await (await get('/files')).text()
  const names = [...html.matchAll(/<option value="[0-9a-f-]{36}"[^>]*>([^<]*)</g)].map(([, name]) => name)
  expect(names).toEqual(['default', 'Apple', 'Beta', 'mango', 'Tests', 'zebra'])
})

test('no name of a workspace turns what stands beside it around', async () => {
  const hostile = '\u2069\u202eevil'
  for (const name of [hostile, hostile, '\u202e\u200f'])
    await createApiKey(app.deps, { name, permissions: [] })
  const html = await (await get('/files')).text()
  const options = [...html.matchAll(/<option value="[0-9a-f-]{36}"( dir="auto")?[^>]*>([^<]*)</g)]
  expect(options.every(([, direction]) => direction !== undefined)).toBe(true)
  const names = options.map(([, , name]) => name)
  expect(names).toContain('Untitled')
  expect(names.filter((name) => /^&#x2068;evil&#x2069; \([0-9a-f]{4}\)$/.test(name ?? ''))).toHaveLength(2)
  expect(html).not.toMatch(/[\u202e\u2069]/)
})

test.each(['\u3164', '\u115f\u1160', '\u2800\u2800', '\u200f\u200b', '\u0007', '\u{e0041}'])(
  'a title of %j alone can be clicked',
  async (title) => {
    const body = JSON.stringify({ title, type: 'Docs', format: 'TXT', folder: '/invisible' })
    const headers = { 'content-type': 'application/json' }
    const made = await app.fetch('/api/documents', { as: ADMIN_TOKEN, method: 'POST', headers, body })
    const { id } = (await made.json()) as { id: string }
    const html = await (await get('/files?folder=/invisible')).text()
    expect(html).toContain(`/api/onlyoffice/viewer/${id}">Untitled<`)
  },
)

test.each([
  'skip=-1',
  'skip=1e99',
  'skip=x&sortBy=constructor&sortDescending=maybe&type=Nothing',
  'folder=..%2F..%2Fetc',
  'folder=%00',
  `folder=/${'a/'.repeat(200)}`,
  `search=${'x'.repeat(5000)}`,
  'search=%F0%9F%8E%89%00%22%27%3C',
  'search=a&search=b&folder=/x&folder=/y',
  '__proto__=1&constructor=2',
])('the address /files?%s shows the page', async (query) => {
  const response = await get(`/files?${query}`)
  expect(response.status).toBe(200)
  expect(await response.text()).toContain('</html>')
})

test('what is looked for and the folder stand in the page as text', async () => {
  const hostile = `"><script>alert(1)</script>`
  const query = new URLSearchParams({ search: hostile, folder: `/${hostile.replace('/', '')}` })
  const html = await (await get(`/files?${query}`)).text()
  expect(html).not.toContain('<script>alert')
  expect(html).toContain('&lt;script&gt;alert(1)')
})

test('a hundred rows weigh less than 60 kB', async () => {
  const title = 'Quarterly Internal Présentation marketing Jürgen 2019 no. '
  for (let number = 0; number < 100; number += 10) {
    await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        app.fetch('/api/documents', {
          as: ADMIN_TOKEN,
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ title: title + (number + index), type: 'Docs', format: 'TXT' }),
        }),
      ),
    )
  }
  const page = await (await get('/files')).arrayBuffer()
  expect(page.byteLength).toBeLessThan(60_000)
})
