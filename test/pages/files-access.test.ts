import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'

let app: TestApp
let cookie: string
let csrfToken: string
let origin: string

beforeAll(async () => {
  app = await startApp()
  origin = new URL(app.url).origin
  const form = new URLSearchParams({ token: ADMIN_TOKEN })
  const signedIn = await fetch(`${app.url}/sign-in`, { method: 'POST', redirect: 'manual', body: form })
  cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  csrfToken = tokenOf(await (await get('/files')).text())
})
afterAll(() => app[Symbol.asyncDispose]())

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
    headers: { cookie, origin },
  })
  expect(response.headers.get('set-cookie')).toMatch(/^docs_administrator=; Max-Age=0; Path=\//)
  const without = await change({ cookie: '', origin, 'x-csrf-token': csrfToken })
  expect(without.status).toBe(401)
})

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
