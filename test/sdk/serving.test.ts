import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { startPair } from '../docserver/support.ts'
import { startApp } from '../support/app.ts'
import { noBrowser, startBrowser } from '../support/browser.ts'
import { makeDocx } from '../support/files.ts'
import { scriptFor } from './framed-editor.ts'
import { startHostSite } from './host-site.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${app.url}/sdk/${path}`, { headers: { origin: 'https://files.example.com', ...headers } })

/** A module and all that it imports by relative path. */
async function modulesFrom(path: string, found = new Map<string, string>()): Promise<Map<string, string>> {
  if (found.has(path)) return found
  const response = await get(path)
  expect([path, response.status]).toEqual([path, 200])
  const code = await response.text()
  found.set(path, code)
  for (const [, imported = ''] of code.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)) {
    await modulesFrom(new URL(imported, `http://x/${path}`).pathname.slice(1), found)
  }
  return found
}

test('the editor’s modules are JavaScript for any site, and smaller than 12 kB', async () => {
  const modules = await modulesFrom('nuto-sdk.js')
  expect([...modules.keys()].length).toBeGreaterThan(1)
  const bytes = [...modules.values()].reduce((sum, code) => sum + gzipSync(code).length, 0)
  expect(bytes).toBeLessThan(12_000)
  for (const [path, code] of modules) {
    // No types are left.
    expect(code).not.toMatch(/^(export )?type |: string\b|import type/m)
    const { headers } = await get(path)
    expect(headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('cross-origin-resource-policy')).toBe('cross-origin')
    expect(headers.get('cache-control')).toBe('public, max-age=3600')
    const etag = headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[\w-]+"$/)
    const again = await get(path, { 'if-none-match': etag, 'cache-control': 'max-age=0' })
    expect([again.status, await again.text()]).toEqual([304, ''])
  }
})

test.each([
  'yjs/yjs.mjs',
  'lib0/observable.js',
  'lib0/observable',
  'lib0/trait/equality.js',
  'y-protocols/awareness.js',
  'y-protocols/sync',
  '@microsoft/signalr/index.js',
  '@microsoft/signalr/HubConnectionBuilder',
])('for pages without a bundler there is %s', async (path) => {
  const response = await get(`vendor/${path}`)
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'text/javascript; charset=utf-8',
  ])
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  expect(response.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
  expect(response.headers.get('cache-control')).toBe('public, max-age=3600')
  expect(response.headers.get('etag')).toMatch(/./)
  expect(await response.text()).toMatch(/\b(import|export)\b/)
})

test.each([
  '',
  'app.js',
  'tsconfig.json',
  'nuto-sdk',
  'nuto-sdk.d.ts',
  '..%2fapp.ts',
  '%2e%2e/app.js',
  '..%5capp.ts',
  'vendor/',
  'vendor/express/index.js',
  'vendor/yjs/',
  'vendor/yjs/yjs.cjs',
  'vendor/yjs/testHelper.mjs',
  'vendor/lib0/package.json',
  'vendor/lib0/package',
  'vendor/lib0/index.d.ts',
  'vendor/lib0/logging.node.js',
  'vendor/lib0/dist/index.cjs',
  'vendor/lib0/..%2fexpress%2findex.js',
  'vendor/lib0/%2e%2e/yjs/package.json',
  'vendor/@microsoft/signalr/..%2f..%2fpackage.json',
  'vendor/@microsoft/signalr/..%2fcjs%2findex.js',
  'vendor/@microsoft/signalr/index.js.map',
  'vendor/y-protocols/awareness%00.js',
])('nothing else is given out: /sdk/%s', async (path) => {
  expect((await get(path)).status).toBe(404)
})

describe.skipIf(noBrowser !== undefined)(`in a browser${noBrowser ?? ''}`, async () => {
  if (noBrowser !== undefined) return
  const browser = await startBrowser()
  afterAll(() => browser.close())

  test('the editor opens from a service below a sub-path', async () => {
    await using pair = await startPair({ env: { BASE_PATH: '/docs' } })
    await using site = await startHostSite(browser, pair.app, '/docs')
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(makeDocx(['Below']))]), 'a.docx')
    const headers = { authorization: `Bearer ${pair.app.token}` }
    const made = await fetch(`${pair.app.url}/api/documents/upload`, { method: 'POST', body: form, headers })
    const { id } = (await made.json()) as { id: string }
    const options = { serverUrl: `${pair.app.url}/`, documentId: id, token: pair.app.token }
    await using host = await site.open(scriptFor(options))

    await host.heard('onReady')

    expect(await host.paragraph(1).textContent()).toBe('Below')
    expect(await host.page.evaluate('editor.save()')).toMatchObject({ versionNumber: 1 })
    expect(host.complaints).toEqual([])
  })

  test('a page without a bundler gets Yjs and SignalR by an import map', async () => {
    await using site = await startHostSite(browser, app)
    await using host = await site.open(`
      import { HubConnectionBuilder } from '@microsoft/signalr'
      import { NutoCollaboration } from '@nutooffice/sdk/collaboration'
      import { Awareness } from 'y-protocols/awareness'
      import { Doc } from 'yjs'
      new Awareness(new Doc())
      window.found = [HubConnectionBuilder, NutoCollaboration].map((one) => typeof one)`)
    await expect.poll(() => host.page.evaluate('window.found')).toEqual(['function', 'function'])
    expect(host.complaints).toEqual([])
  })
})
