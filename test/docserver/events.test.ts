import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { listApiKeyInfos, revokeApiKey } from '../../src/core/api-keys.ts'
import { openAs } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { bearerWith, openedDocx, startPair } from './support.ts'

const clock = testClock()
const pair = await startPair({ clock: clock.now })
afterAll(() => pair[Symbol.asyncDispose]())
const { app, docServer } = pair

async function pageTokenOf(id: string): Promise<string> {
  const html = await (await app.fetch(`/api/onlyoffice/viewer/${id}`)).text()
  return /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''
}

afterEach(() => void vi.useRealTimers())

const address = (id: string, token: string) => `/api/onlyoffice/documents/${id}/events?t=${token}`

/** Events as they arrive, until `stop`. */
async function listen(id: string) {
  const abort = new AbortController()
  const response = await app.fetch(address(id, await pageTokenOf(id)), { as: null, signal: abort.signal })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
  expect(response.headers.get('cache-control')).toContain('no-store')
  const events: { event: string; data: Record<string, unknown> }[] = []
  let wake = () => {}
  void (async () => {
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString()
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end === -1) break
        const found = /^event: (.*)\ndata: (.*)$/.exec(text.slice(0, end))
        if (found) events.push({ event: found[1] ?? '', data: JSON.parse(found[2] ?? '') })
        text = text.slice(end + 2)
        wake()
      }
    }
  })().catch(() => {})
  return {
    events,
    async waitFor(name: string, count = 1) {
      while (events.filter(({ event }) => event === name).length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    [Symbol.dispose]: () => abort.abort(),
  }
}

test('a page is told who is there, of saving, of what was saved and of the new head', async () => {
  const { id } = await openedDocx(app)
  const other = await openedDocx(app, 'other.docx')
  using page = await listen(id)
  using otherPage = await listen(other.id)

  const editor = await openAs(app, docServer, id, 'ann')
  editor.type(0, 'Changed')
  await editor.save()
  await editor.close()
  await docServer.settled()
  await page.waitFor('head-changed')

  expect(page.events).toEqual([
    { event: 'users', data: { users: ['ann'] } },
    { event: 'save-state', data: { state: 'saving', at: expect.any(String) } },
    { event: 'save-state', data: { state: 'saved', at: expect.any(String), versionNumber: 2 } },
    { event: 'save-state', data: { state: 'saving', at: expect.any(String) } },
    { event: 'save-state', data: { state: 'saved', at: expect.any(String), versionNumber: 2 } },
    { event: 'head-changed', data: { versionNumber: 2 } },
  ])
  expect(otherPage.events).toEqual([])
})

test('a page is told when a save failed', async () => {
  const { id } = await openedDocx(app)
  using page = await listen(id)
  const editor = await openAs(app, docServer, id)
  editor.type(0, 'Changed')
  docServer.faults.files({ kind: 'status', status: 404 })
  await editor.save()
  await page.waitFor('save-state', 2)
  expect(page.events.at(-1)).toEqual({
    event: 'save-state',
    data: { state: 'not-saved', at: expect.any(String) },
  })
  await editor.close()
  await docServer.settled()
})

test('a page is told of a restored version', async () => {
  const { id } = await openedDocx(app)
  using page = await listen(id)
  const [first] = await app.versions(id)
  const restored = await app.fetch(`/api/documents/${id}/versions/${first?.id}/restore`, { method: 'POST' })
  expect(restored.status).toBe(200)
  await page.waitFor('head-changed')
  expect(page.events.at(-1)).toEqual({ event: 'head-changed', data: { versionNumber: 2 } })
})

test('events need the token of that very page', async () => {
  const { id, fileUrl } = await openedDocx(app)
  const other = await openedDocx(app, 'other.docx')
  const token = await pageTokenOf(id)
  const reader = await bearerWith(app, ['documents:read'])
  const fileToken = new URL(fileUrl).searchParams.get('t') ?? ''
  for (const bad of ['', 'nonsense', reader, fileToken, `${token}x`]) {
    expect((await app.fetch(address(id, bad))).status).toBe(401)
  }
  expect((await app.fetch(address(other.id, token))).status).toBe(401)
})

test('a page token ends after a day', async () => {
  const { id } = await openedDocx(app)
  const token = await pageTokenOf(id)
  clock.pass(25 * 3600)
  expect((await app.fetch(address(id, token), { as: null })).status).toBe(401)
})

test('events end within the minute once the key of their page is revoked', async () => {
  await using own = await startPair()
  const { id } = await openedDocx(own.app)
  const html = await (await own.app.fetch(`/api/onlyoffice/viewer/${id}`)).text()
  const pageToken = /"pageToken":"([^"]+)"/.exec(html)?.[1] ?? ''
  const [key] = await listApiKeyInfos(own.app.deps)
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const ended = (await own.app.fetch(address(id, pageToken), { as: null })).text().then(() => 'ended')

  vi.advanceTimersByTime(20_000)
  expect(await Promise.race([ended, delay(200, 'open')])).toBe('open')
  await revokeApiKey(own.app.deps, key?.id ?? '')
  vi.advanceTimersByTime(20_000)

  expect(await Promise.race([ended, delay(5000, 'open')])).toBe('ended')
})
