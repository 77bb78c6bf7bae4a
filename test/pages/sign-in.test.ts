import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { createSignInLink } from '../../src/core/sign-in.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { noBrowser, openPage, startBrowser } from '../support/browser.ts'
import { testClock } from '../support/clock.ts'

const clock = testClock(new Date().toISOString())
const app = await startApp({ overrides: { clock: clock.now } })
const browser = noBrowser === undefined ? await startBrowser() : undefined
afterAll(async () => {
  await browser?.close()
  await app[Symbol.asyncDispose]()
})
const inBrowser = browser === undefined ? test.skip : test
const because = noBrowser === undefined ? '' : ` (${noBrowser})`

inBrowser(`a person signs in by the link and sees the documents${because}`, async () => {
  if (browser === undefined) return
  await using opened = await openPage(browser, app, { signedIn: false })
  const { page, complaints } = opened
  const title = 'Plan </td><script>alert(1)</script>'
  await app.fetch('/api/documents', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title, type: 'Docs', format: 'DOCX' }),
  })
  await page.goto(`${app.url}/`)
  expect(await page.textContent('main')).toContain('npm run -s cli -- sign-in')
  const link = await createSignInLink(app.deps)

  await page.goto(`${app.url}/sign-in?link=${link}`)
  await page.getByRole('button', { name: 'Sign in' }).click()

  await page.waitForURL(`${app.url}/files`)
  await page.getByLabel('Workspace').selectOption('Tests')
  await page.getByRole('link', { name: title }).waitFor()
  expect(complaints).toEqual([])

  await page.goto(`${app.url}/sign-in?link=${link}`)
  await page.getByRole('button', { name: 'Sign in' }).click()
  expect(await page.textContent('[role=alert]')).toContain('used already or is older than 10 minutes')
})

inBrowser(`a person signs in with the admin token; a wrong one is told in words${because}`, async () => {
  if (browser === undefined) return
  await using opened = await openPage(browser, app, { signedIn: false })
  const { page } = opened
  await page.goto(`${app.url}/`)
  await page.getByLabel('Admin token').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  expect(await page.textContent('[role=alert]')).toContain('this is not the admin token')
  await page.getByLabel('Admin token').fill(ADMIN_TOKEN)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${app.url}/files`)
  expect(await page.textContent('h1')).toBe('Files')
})

const signIn = (form: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${app.url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams(form),
    headers,
  })

test('looking at a link does not use it up, and it ends after 10 minutes', async () => {
  const link = await createSignInLink(app.deps)
  for (let times = 0; times < 3; times += 1) {
    const response = await fetch(`${app.url}/sign-in?link=${link}`)
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
  }
  expect((await signIn({ link })).status).toBe(303)
  const late = await createSignInLink(app.deps)
  clock.pass(601)
  expect((await signIn({ link: late })).status).toBe(401)
})

test('a form of another site signs nobody in', async () => {
  const own = new URL(app.url)
  for (const origin of ['https://evil.example', 'null', `http://evil.example:${own.port}`]) {
    const response = await signIn({ token: ADMIN_TOKEN }, { origin })
    expect([origin, response.status, response.headers.get('set-cookie')]).toEqual([origin, 403, null])
  }
  expect((await signIn({ token: ADMIN_TOKEN }, { origin: own.origin })).status).toBe(303)
})

test.each([{}, { token: '' }, { link: '' }, { link: 'nonsense' }, { link: 'x', token: ADMIN_TOKEN }])(
  'the form %j is refused with 401',
  async (form) => {
    expect((await signIn(form)).status).toBe(401)
  },
)

test('a hostile link is text in the page', async () => {
  const html = await (
    await fetch(`${app.url}/sign-in?link=${encodeURIComponent('"><img src=x onerror=alert(1)>')}`)
  ).text()
  expect(html).not.toContain('<img')
})

test('the cookie is for this service over https alone when its address is https', async () => {
  await using secure = await startApp({ env: { PUBLIC_URL: 'https://docs.example.com/files' } })
  const response = await fetch(`${secure.url}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: 'https://docs.example.com' },
    body: new URLSearchParams({ token: ADMIN_TOKEN }),
  })
  expect(response.headers.get('set-cookie')).toMatch(/; Path=\/files;.*; Secure(;|$)/)
  expect(response.headers.get('location')).toBe('/files/')
})

test('below a sub-path the sign-out names the cookie of the sign-in, so that the browser drops it', async () => {
  await using secure = await startApp({ env: { PUBLIC_URL: 'https://docs.example.com/files' } })
  const origin = 'https://docs.example.com'
  const cookies = []
  for (const path of ['sign-in', 'sign-out']) {
    const response = await fetch(`${secure.url}/${path}`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin },
      body: new URLSearchParams({ token: ADMIN_TOKEN }),
    })
    expect(response.headers.get('location')).toBe('/files/')
    cookies.push(response.headers.get('set-cookie') ?? '')
  }
  expect(cookies[1]).toContain('docs_administrator=; Max-Age=0;')
  const [signedIn, signedOut] = cookies.map((cookie) => /Path=([^;]*)/.exec(cookie)?.[1])
  expect(signedOut).toBe(signedIn)
})

test('who signs out in the second of the sign-in can sign in again', async () => {
  const cookieOf = async () => (await signIn({ token: ADMIN_TOKEN })).headers.get('set-cookie')?.split(';')[0]
  const [first = '', second = ''] = [await cookieOf(), await cookieOf()]
  expect(second).not.toBe(first)
  const options = { redirect: 'manual', headers: { cookie: first } } as const
  await fetch(`${app.url}/sign-out`, { ...options, method: 'POST' })
  expect((await fetch(`${app.url}/files`, options)).status).toBe(303)
  expect((await fetch(`${app.url}/files`, { ...options, headers: { cookie: second } })).status).toBe(200)
})

test('attempts that were begun together are counted like those one after the other', async () => {
  await using few = await startApp({ env: { AUTH_RATE_LIMIT_MAX: '3' } })
  const begun: { attempt: ClientRequest; answer: Promise<IncomingMessage[]> }[] = []
  for (let number = 0; number < 5; number += 1) {
    const attempt = request(`${few.url}/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', expect: '100-continue' },
    })
    attempt.flushHeaders()
    begun.push({ attempt, answer: once(attempt, 'response') })
    await once(attempt, 'continue')
  }
  const statuses = []
  for (const { attempt, answer } of begun) {
    attempt.end('token=wrong')
    const [response] = await answer
    response?.resume()
    statuses.push(response?.statusCode)
  }
  expect(statuses).toEqual([401, 401, 401, 429, 429])
})
