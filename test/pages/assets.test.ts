import { request } from 'node:http'
import { afterAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

async function signIn(): Promise<string> {
  const body = new URLSearchParams({ token: ADMIN_TOKEN })
  const { headers } = await fetch(`${app.url}/sign-in`, { method: 'POST', body, redirect: 'manual' })
  return headers.get('set-cookie')?.split(';')[0] ?? ''
}

test('a page names what belongs to its release, which browsers keep for good', async () => {
  const html = await (await fetch(`${app.url}/`)).text()
  const [, path = ''] = /href="(\/assets\/[0-9a-f]{12})\/site\.css"/.exec(html) ?? []
  const own = await fetch(`${app.url}${path}/site.css`)
  expect([own.status, own.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])

  const others = await fetch(`${app.url}/assets/0123456789ab/site.css`)
  expect([others.status, others.headers.get('cache-control')]).toEqual([200, 'no-cache'])
  expect(await others.text()).toBe(await own.text())
  expect((await fetch(`${app.url}${path}/../asset-routes.ts`)).status).toBe(404)
})

test('the first visit of the files page weighs less than 60 kB on the way, styles and scripts included', async () => {
  for (let at = 0; at < 3; at += 1) await app.upload(`Report ${at}.txt`, Buffer.from('text'))
  const headers = { cookie: await signIn() }
  const loaded = new Map<string, number>()
  async function load(path: string): Promise<void> {
    if (loaded.has(path)) return
    const response = await fetch(`${app.url}${path}`, { headers })
    expect([path, response.status]).toEqual([path, 200])
    loaded.set(path, await transferred(path, headers))
    const text = await response.text()
    const links = [...text.matchAll(/(?:href|src)="([^"]*\/assets\/[^"]+)"/g)].map(([, link = '']) => link)
    const modules = [...text.matchAll(/from '(\.[^']+)'/g)].map(([, link = '']) => link)
    for (const link of [...links, ...modules]) await load(new URL(link, `${app.url}${path}`).pathname)
  }
  await load('/files')
  expect(loaded.size).toBeGreaterThan(10)
  expect([...loaded.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(60_000)
})

/** Bytes of the body as it travels. */
async function transferred(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(
      `${app.url}${path}`,
      { headers: { ...headers, 'accept-encoding': 'gzip' } },
      (answer) => {
        let bytes = 0
        answer.on('data', (part: Buffer) => {
          bytes += part.length
        })
        answer.on('end', () => resolve(bytes))
      },
    )
    asked.on('error', reject).end()
  })
}
