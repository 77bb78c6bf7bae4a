import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SELF_SIGNED } from '../doctor/certificates.ts'
import { connect, typed } from '../hub/support.ts'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { editorOf, noBrowser, paragraphOf, startBrowser } from '../support/browser.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { freePort } from '../support/ports.ts'
import { noProxy, startProxy, WAYS } from './proxy.ts'

/** Failed sign-ins from one address until it has to wait. */
const MOST_FAILURES = 3

setDefaultCACertificates([...getCACertificates('default'), SELF_SIGNED])

const browser = noBrowser === undefined ? await startBrowser() : undefined
afterAll(() => browser?.close())

describe.each(WAYS)('$name', (way) => {
  const missing = noProxy(way.proxy)
  if (missing !== undefined) return test.skip(missing)

  const started = new AsyncDisposableStack()
  let url: string
  let app: TestApp

  beforeAll(async () => {
    const port = await freePort()
    url = `https://localhost:${port}${way.path}`
    app = started.use(
      await startApp({
        env: {
          // The emulator stands in, below our address, so its page comes through the proxy as well.
          NODE_ENV: 'test',
          PUBLIC_URL: url,
          INTERNAL_URL: url,
          TRUST_PROXY: 'loopback',
          AUTH_RATE_LIMIT_MAX: String(MOST_FAILURES),
        },
      }),
    )
    started.use(await startProxy(way, { port, target: new URL(app.url).origin }))
  })
  afterAll(() => started.disposeAsync())

  function call(path: string, init: RequestInit = {}, bearer = app.token): Promise<Response> {
    return fetch(`${url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${bearer}`, ...init.headers },
    })
  }

  async function upload(name: string, bytes: Buffer): Promise<string> {
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(bytes)]), name)
    const answer = await call('/api/documents/upload', { method: 'POST', body: form })
    expect(answer.status).toBe(201)
    return ((await answer.json()) as { id: string }).id
  }

  const download = async (id: string) =>
    Buffer.from(await (await call(`/api/documents/${id}/download`)).arrayBuffer())

  test('5 MB go up and come down as they were', async () => {
    const bytes = Buffer.from(
      randomBytes(5 * 1024 ** 2)
        .toString('hex')
        .slice(0, 5 * 1024 ** 2),
    )
    const id = await upload('large.txt', bytes)
    expect((await download(id)).equals(bytes)).toBe(true)
  })

  test('programs meet in the hub, over WebSockets', async () => {
    const id = await upload('shared.docx', makeDocx(['One']))
    await using ann = await connect({ url }, { token: app.token })
    await using bob = await connect({ url }, { token: app.token })
    await ann.invoke('JoinDocument', id)
    await bob.invoke('JoinDocument', id)
    const [update] = typed(['seen']).updates
    await ann.invoke('SendUpdate', id, update)
    expect((await bob.heard('ReceiveUpdate'))[0]?.[0]).toBe(update)
  })

  test('what happens is told at once, on a stream that stays open', async () => {
    const id = await upload('watched.docx', makeDocx(['One']))
    const signIn = await fetch(`${url}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      headers: { origin: new URL(url).origin },
      body: new URLSearchParams({ token: ADMIN_TOKEN }),
    })
    const cookie = signIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    const ended = new AbortController()
    const stream = await fetch(`${url}/live?documentId=${id}`, { headers: { cookie }, signal: ended.signal })
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/)

    await app.deps.events.publish(id, { type: 'users', users: ['ann'] })

    let told = ''
    for await (const chunk of stream.body ?? []) {
      told += Buffer.from(chunk).toString()
      if (told.includes('ann')) break
    }
    expect(told).toContain('event: users\ndata: {"users":["ann"]}')
    ended.abort()
  })

  describe.skipIf(browser === undefined)(`in a browser ${noBrowser ?? ''}`, () => {
    if (browser === undefined) return

    test('the administrator signs in, edits, and sees that it was saved', async () => {
      const id = await upload('report.docx', makeDocx(['One']))
      await using page = await blankPage(browser)
      await page.goto(`${url}/sign-in`)
      await page.getByLabel('Admin token').fill(ADMIN_TOKEN)
      await page.getByRole('button', { name: 'Sign in' }).click()
      await page.waitForURL((address) => !address.pathname.endsWith('/sign-in'))
      const [cookie] = await page.context().cookies(url)
      expect(cookie).toMatchObject({ secure: true, httpOnly: true, path: way.path === '' ? '/' : way.path })

      await page.goto(`${url}/api/onlyoffice/viewer/${id}`)
      await paragraphOf(page, 1).fill('Typed behind the proxy')
      const saved = async () => {
        const answer = await call(`/api/documents/${id}/save?wait=10`, { method: 'POST' })
        expect(answer.status).toBe(200)
        return docxParagraphs(await download(id))
      }
      await expect.poll(saved, { timeout: 15_000 }).toEqual(['Typed behind the proxy'])
      await page.locator('#save-state[data-state=saved]').waitFor()
    })

    test('an embed opens for whoever has its address', async () => {
      const id = await upload('embedded.docx', makeDocx(['For everybody']))
      const answer = await call('/api/embed', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ documentId: id, permissions: ['view'] }),
      })
      const embed = (await answer.json()) as { url: string }
      expect(embed.url).toContain(`${url}/embed/docs/${id}`)
      await using page = await blankPage(browser)
      await page.goto(embed.url)
      await editorOf(page).getByText('For everybody').waitFor()
    })
  })

  test('failures are counted by the true address, whatever a client claims', async () => {
    const claims = Array.from({ length: MOST_FAILURES + 1 }, (_, index) => `203.0.113.${index}`)
    const statuses = []
    for (const claim of claims) statuses.push(await failToSignIn(`${url}/sign-in`, '127.0.0.1', claim))
    expect(statuses).toEqual([...Array(MOST_FAILURES).fill(401), 429])
    expect(await failToSignIn(`${url}/sign-in`, '127.0.0.2', '203.0.113.0')).toBe(401)
  })
})

async function blankPage(browser: Browser): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB' })
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  return Object.assign(page, { [Symbol.asyncDispose]: () => context.close() })
}

/** @returns the status of the answer */
async function failToSignIn(url: string, localAddress: string, claim: string): Promise<number | undefined> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': claim }
  const asked = request(url, {
    method: 'POST',
    host: '127.0.0.1',
    localAddress,
    headers,
    servername: 'localhost',
  })
  asked.end('token=wrong')
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  return answer.statusCode
}
