import { expect, test } from 'vitest'
import { ADMIN_TOKEN, startApp, type TestApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs, makeDocx, makeXlsx } from '../support/files.ts'

const json = (body: unknown, method = 'POST') => ({
  method,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

async function titles(app: TestApp, query = ''): Promise<string[]> {
  const response = await app.fetch(`/api/documents${query}`)
  return ((await response.json()) as { documents: { title: string }[] }).documents.map(({ title }) => title)
}

async function newKey(app: TestApp, extra = {}) {
  const wanted = { name: 'Shop', permissions: ['documents:read'], ...extra }
  const response = await app.fetch('/api/auth/api-keys', { ...json(wanted), as: ADMIN_TOKEN })
  return (await response.json()) as { id: string; apiKey: string; secret: string }
}

const tokenFor = (app: TestApp, apiKey: string, secret: string) =>
  app.fetch('/api/auth/token', { ...json({ apiKey, secret }), as: null })

test('a token says whose it is and until when, under each path that a reader would try', async () => {
  await using app = await startApp()
  for (const path of ['validate', 'verify', 'me']) {
    for (const method of ['GET', 'POST']) {
      const answer = (await (await app.fetch(`/api/auth/${path}`, { method })).json()) as Record<
        string,
        unknown
      >
      expect(answer).toMatchObject({ name: 'Tests', isValid: true, permissions: expect.any(Array) })
      expect(Date.parse(String(answer.expiresAt))).toBeGreaterThan(Date.now() + 3_500_000)
    }
  }
})

test('a bad token is answered 401 and isValid false', async () => {
  await using app = await startApp()
  const response = await app.fetch('/api/auth/validate', { as: 'nonsense' })
  expect(response.status).toBe(401)
  expect(response.headers.get('content-type')).toContain('application/problem+json')
  expect(await response.json()).toMatchObject({ isValid: false, code: 'token-invalid' })
})

test('the administrator lists, renames and revokes keys, and nobody else does', async () => {
  await using app = await startApp()
  const key = await newKey(app)
  const path = `/api/auth/api-keys/${key.id}`

  const listed = await (await app.fetch('/api/auth/api-keys', { as: ADMIN_TOKEN })).text()
  expect(listed).toContain(key.apiKey)
  expect(listed).not.toContain(key.secret)
  const renamed = await app.fetch(path, { ...json({ name: 'Bookshop' }, 'PATCH'), as: ADMIN_TOKEN })
  expect(await renamed.json()).toMatchObject({ name: 'Bookshop' })
  for (const [one, init] of [
    ['/api/auth/api-keys', {}],
    [path, json({ name: 'x' }, 'PATCH')],
    [path, { method: 'DELETE' }],
    [`${path}/rotate`, { method: 'POST' }],
  ] as const) {
    expect((await app.fetch(one, init)).status).toBe(403)
  }

  expect((await app.fetch(path, { method: 'DELETE', as: ADMIN_TOKEN })).status).toBe(204)
  expect((await tokenFor(app, key.apiKey, key.secret)).status).toBe(401)
  expect((await app.fetch(path, { method: 'DELETE', as: ADMIN_TOKEN })).status).toBe(404)
})

test('after a rotation the old secret works for a day, the new one at once', async () => {
  const clock = testClock()
  await using app = await startApp({ overrides: { clock: clock.now } })
  const { id, apiKey, secret } = await newKey(app)
  const rotated = await app.fetch(`/api/auth/api-keys/${id}/rotate`, { method: 'POST', as: ADMIN_TOKEN })
  const { secret: fresh } = (await rotated.json()) as { secret: string }

  expect((await tokenFor(app, apiKey, fresh)).status).toBe(200)
  expect((await tokenFor(app, apiKey, secret)).status).toBe(200)
  clock.pass(25 * 3600)
  expect((await tokenFor(app, apiKey, fresh)).status).toBe(200)
  expect((await tokenFor(app, apiKey, secret)).status).toBe(401)
})

test('a key with an end stops working then', async () => {
  const clock = testClock()
  await using app = await startApp({ overrides: { clock: clock.now } })
  const { apiKey, secret } = await newKey(app, { expiresAt: '2026-11-21T09:00:00.000Z' })

  expect((await tokenFor(app, apiKey, secret)).status).toBe(200)
  clock.pass(3601)
  expect((await tokenFor(app, apiKey, secret)).status).toBe(401)
})

test('documents are found by type and by words whatever their case and accents, and sorted', async () => {
  await using app = await startApp()
  await app.upload('Résumé of Zoë.docx', makeDocx(['x']))
  await app.upload('100% sure.docx', makeDocx(['x']))
  await app.upload('Budget.xlsx', makeXlsx([['1']]))

  expect(await titles(app, '?search=RESUME')).toEqual(['Résumé of Zoë'])
  expect(await titles(app, '?search=100%25')).toEqual(['100% sure'])
  expect(await titles(app, '?search=%25')).toEqual(['100% sure'])
  expect(await titles(app, '?type=sheet')).toEqual(['Budget'])
  expect(await titles(app, '?sortBy=title&sortDescending=false')).toEqual([
    '100% sure',
    'Budget',
    'Résumé of Zoë',
  ])
  expect((await app.fetch('/api/documents?sortBy=secret_hash')).status).toBe(400)
  expect((await app.fetch('/api/documents?type=pdf')).status).toBe(400)
})

test('a deleted document is gone everywhere but in the trash, and comes back whole', async () => {
  await using app = await startApp()
  const id = await app.upload('report.docx', makeDocx(['kept']))

  expect((await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })).status).toBe(204)
  expect((await app.fetch(`/api/documents/${id}`)).status).toBe(404)
  expect((await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })).status).toBe(404)
  expect(await titles(app)).toEqual([])
  expect(await titles(app, '/trash')).toEqual(['report'])

  expect((await app.fetch(`/api/documents/${id}/undelete`, { method: 'POST' })).status).toBe(200)
  expect(await titles(app)).toEqual(['report'])
  expect(docxParagraphs(await app.download(id))).toEqual(['kept'])
  expect((await app.fetch(`/api/documents/${id}/undelete`, { method: 'POST' })).status).toBe(404)
})

test('a new title is a version with the same bytes, and the open session goes on under its key', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key } = both
  const editor = await both.open()
  editor.type(0, 'typed')
  await app.deps.docServer?.forcesave(key)
  await docServer.settled()

  const response = await app.fetch(`/api/documents/${id}`, json({ title: 'Annual report.docx' }, 'PUT'))
  expect(await response.json()).toMatchObject({ title: 'Annual report', format: 'DOCX' })
  expect((await app.config(id)).document.key).toBe(key)
  expect(editor.events.some(({ name }) => name === 'onMetaChange')).toBe(true)

  editor.type(1, 'and more')
  await editor.close()
  await docServer.settled()
  expect(
    (await app.versions(id)).map(({ versionNumber, kind, isCurrent }) => [versionNumber, kind, isCurrent]),
  ).toEqual([
    [4, 'final', true],
    [3, 'renamed', false],
    [2, 'cut', false],
    [1, 'upload', false],
  ])
  expect(docxParagraphs(await app.download(id))).toEqual(['typed', 'and more'])
})

test('any version can be downloaded, and only as one of its own document', async () => {
  await using both = await startBoth()
  const { app, id } = both
  await both.send({ status: 2 }, makeDocx(['second']))
  const [, first] = await app.versions(id)
  const other = await app.upload('other.docx', makeDocx(['other']))

  const bytes = await (await app.fetch(`/api/documents/${id}/versions/${first?.id}/download`)).arrayBuffer()
  expect(docxParagraphs(Buffer.from(bytes))).toEqual(['One', 'Two'])
  expect((await app.fetch(`/api/documents/${other}/versions/${first?.id}/download`)).status).toBe(404)
})
