import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import type { SignedConfig } from '../../src/emulator/types.ts'
import { ASSETS_PATH } from '../../src/pages/asset-routes.ts'
import { ADMIN_TOKEN, openAs } from '../support/app.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { checkedFetch } from '../support/openapi.ts'
import { startPair } from './support.ts'

const pair = await startPair({ env: { BASE_PATH: '/docs' } })
afterAll(() => pair[Symbol.asyncDispose]())
const { app, docServer } = pair
const origin = new URL(app.url).origin

/** The shared helpers write paths from the root: under a sub-path they go by the prefix. */
async function call(path: string, init: RequestInit = {}, base = `${origin}/docs`) {
  return checkedFetch(`${base}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${app.token}`, ...init.headers },
  })
}

async function upload(base?: string): Promise<string> {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['One']))]), 'a.docx')
  const response = await call('/api/documents/upload', { method: 'POST', body: form }, base)
  expect(response.status).toBe(201)
  return ((await response.json()) as { id: string }).id
}

test('every address that is handed out lies below the sub-path', async () => {
  expect(app.url).toBe(`${origin}/docs`)
  const id = await upload()
  const { config } = (await (await call(`/api/onlyoffice/config/${id}`)).json()) as {
    config: { document: { url: string }; editorConfig: { callbackUrl: string } }
  }
  expect(new URL(config.document.url).pathname).toBe(`/docs/api/onlyoffice/file/${id}`)
  expect(new URL(config.editorConfig.callbackUrl).pathname).toBe('/docs/api/onlyoffice/callback')
  const html = await (await call(`/api/onlyoffice/viewer/${id}`)).text()
  const links = [...html.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, link]) => link)
  expect(links.length).toBeGreaterThan(2)
  for (const link of links) expect(link).toMatch(/^\/docs\//)
  expect(html).toContain(`"documentUrl":"/docs/api/onlyoffice/documents/${id}"`)
  const script = await call(`${ASSETS_PATH}/editor.js`)
  expect([script.status, script.headers.get('content-type')]).toEqual([
    200,
    expect.stringContaining('javascript'),
  ])
})

test('a document is opened, edited and saved below the sub-path', async () => {
  const id = await upload()
  const editor = await openAs({ ...app, config: configBelow }, docServer, id)
  expect(editor.isOpen).toBe(true)
  editor.type(0, 'Changed')
  await editor.close()
  await docServer.settled()
  const bytes = Buffer.from(await (await call(`/api/documents/${id}/download`)).arrayBuffer())
  expect(docxParagraphs(bytes)).toEqual(['Changed'])
})

async function configBelow(id: string, query = '') {
  const answer = await (await call(`/api/onlyoffice/config/${id}${query}`)).json()
  const { config, token } = answer as { config: SignedConfig; token: string }
  return { ...config, token }
}

test('signing in keeps to the sub-path: form, redirect and cookie', async () => {
  const page = await (await fetch(`${origin}/docs/`)).text()
  expect(page).toContain('action="/docs/sign-in"')
  const response = await fetch(`${origin}/docs/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ token: ADMIN_TOKEN }),
  })
  expect([response.status, response.headers.get('location')]).toEqual([303, '/docs/'])
  expect(response.headers.get('set-cookie')).toMatch(/; Path=\/docs(;|$)/)
})

test('behind a proxy that strips the sub-path everything works alike', async () => {
  const target = new URL(origin)
  const proxy = createServer((incoming, outgoing) => {
    if (!incoming.url?.startsWith('/docs/')) return outgoing.writeHead(404).end()
    const { method, headers } = incoming
    const forwarded = httpRequest(
      { host: target.hostname, port: target.port, path: incoming.url.slice('/docs'.length), method, headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      },
    )
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  try {
    const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/docs`
    const id = await upload(base)
    expect((await call(`/api/onlyoffice/config/${id}`, {}, base)).status).toBe(200)
    expect((await call(`/api/onlyoffice/viewer/${id}`, {}, base)).status).toBe(200)
    expect((await call(`${ASSETS_PATH}/site.css`, {}, base)).status).toBe(200)
    expect((await call('/health', {}, base)).status).toBe(200)
    expect((await call(`/api/documents/${id}/download`, {}, base)).status).toBe(200)
  } finally {
    const closed = new Promise((resolve) => proxy.close(resolve))
    proxy.closeAllConnections()
    await closed
  }
})
