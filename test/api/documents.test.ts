import { afterAll, expect, test } from 'vitest'
import { startApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

const clock = testClock()
const app = await startApp({ overrides: { clock: clock.now } })
afterAll(() => app[Symbol.asyncDispose]())

type Listed = { documents: { id: string; title: string }[]; totalCount: number; skip: number; take: number }

const post = (path: string, body: unknown, type = 'application/json') =>
  app.fetch(path, {
    method: 'POST',
    headers: { 'content-type': type },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

test.each([
  ['Docs', 'DOCX', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['Sheet', 'XLSX', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['Slide', 'PPTX', 'application/vnd.openxmlformats-officedocument.presentationml.presentation'],
])('a blank %s document is a real %s file', async (type, format, mimeType) => {
  const response = await post('/api/documents', { title: 'New', type: type.toLowerCase(), format })
  expect(response.status).toBe(201)
  const document = (await response.json()) as { id: string; fileSize: number }
  expect(document).toEqual({
    id: expect.any(String),
    title: 'New',
    type,
    format,
    createdAt: expect.stringMatching(/Z$/),
    updatedAt: expect.stringMatching(/Z$/),
    fileSize: expect.any(Number),
    folder: '/',
    externalId: null,
    metadata: {},
  })
  expect(await (await app.fetch(`/api/documents/${document.id}`)).json()).toEqual({
    ...document,
    jsonContent: null,
  })
  const download = await app.fetch(`/api/documents/${document.id}/download`)
  expect(download.headers.get('content-type')).toBe(mimeType)
  const bytes = Buffer.from(await download.arrayBuffer())
  expect(bytes.toString('latin1', 0, 2)).toBe('PK')
  if (format === 'DOCX') expect(docxParagraphs(bytes)).toEqual([''])
  expect(await app.versions(document.id)).toMatchObject([
    { versionNumber: 1, kind: 'created', isCurrent: true, format },
  ])
})

test.each<[string, unknown]>([
  ['a sheet as DOCX', { title: 'A', type: 'Sheet', format: 'DOCX' }],
  ['a text as PPTX', { title: 'A', type: 'Docs', format: 'PPTX' }],
  ['an unknown format', { title: 'A', type: 'Docs', format: 'EXE' }],
  ['a format that no object should have', { title: 'A', type: 'Docs', format: '__proto__' }],
  ['an unknown type', { title: 'A', type: 'Video', format: 'DOCX' }],
  ['no title', { type: 'Docs', format: 'DOCX' }],
  ['an empty title', { title: '', type: 'Docs', format: 'DOCX' }],
  ['a title of 501 characters', { title: 'x'.repeat(501), type: 'Docs', format: 'DOCX' }],
  ['a title that is no text', { title: 1, type: 'Docs', format: 'DOCX' }],
  ['null', null],
  ['a list', []],
])('creating %s is refused with 400', async (_name, body) => {
  const response = await post('/api/documents', body)
  expect(response.status).toBe(400)
  expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
})

test('a title of 500 characters is kept, counted as people count', async () => {
  const title = '😀'.repeat(500)
  const response = await post('/api/documents', { title, type: 'Docs', format: 'DOCX' })
  expect(((await response.json()) as { title: string }).title).toBe(title)
})

test('the list is newest first, with pages that are clamped', async () => {
  await using own = await startApp({ overrides: { clock: clock.now } })
  const ids: string[] = []
  for (let index = 0; index < 5; index += 1) {
    ids.unshift(await own.upload(`${index}.txt`, Buffer.from(String(index))))
    clock.pass(1)
  }
  const list = async (query: string) => (await (await own.fetch(`/api/documents${query}`)).json()) as Listed
  expect((await list('')).documents.map(({ id }) => id)).toEqual(ids)
  expect(await list('?skip=1&take=2')).toMatchObject({ totalCount: 5, skip: 1, take: 2 })
  expect((await list('?skip=1&take=2')).documents.map(({ id }) => id)).toEqual(ids.slice(1, 3))
  expect(await list('?take=1000')).toMatchObject({ take: 100 })
  expect(await list('?skip=500')).toMatchObject({ documents: [], totalCount: 5, skip: 500 })
  expect((await list('?take=0')).documents).toEqual([])
})

test.each(['skip=-1', 'take=-1', 'skip=a', 'take=1.5', 'skip=1e99', 'skip=1&skip=2'])(
  'a list with %s is refused with 400',
  async (query) => {
    const response = await app.fetch(`/api/documents?${query}`)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'validation-failed' })
  },
)

test('JSON under the form type of curl -d is read', async () => {
  const response = await post(
    '/api/documents',
    { title: 'By curl', type: 'Docs', format: 'DOCX' },
    'application/x-www-form-urlencoded',
  )
  expect(response.status).toBe(201)
})

test('errors are problem+json with a stable code and no detail of ours', async () => {
  const cases: [Response, number, string][] = [
    [await post('/api/documents', '{"title":'), 400, 'malformed-body'],
    [
      await post('/api/documents', 'title=a&type=Docs', 'application/x-www-form-urlencoded'),
      400,
      'malformed-body',
    ],
    [await post('/api/documents', '{}'), 400, 'validation-failed'],
    [await post('/api/documents', JSON.stringify({ title: 'x'.repeat(12_000_000) })), 413, 'body-too-large'],
    [await app.fetch('/api/nothing-here'), 404, 'route-not-found'],
    [await app.fetch('/nothing-here'), 404, 'route-not-found'],
    [await app.fetch('/api/documents/%E0%A4%A'), 400, 'malformed-body'],
    [await app.fetch(`/api/documents/${crypto.randomUUID()}`), 404, 'document-not-found'],
    [await app.fetch('/api/documents/%00'), 404, 'document-not-found'],
  ]
  for (const [response, status, code] of cases) {
    expect([code, response.status]).toEqual([code, status])
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await response.json()).toEqual({
      type: `urn:docs-connector:problem:${code}`,
      title: expect.any(String),
      status,
      code,
      detail: expect.not.stringMatching(/node_modules|src\//),
      traceId: response.headers.get('x-request-id'),
      ...(code === 'validation-failed' ? { errors: expect.any(Object) } : {}),
    })
  }
})

test('a browser that goes astray gets a page', async () => {
  const response = await app.fetch('/nothing-here', { as: null, headers: { accept: 'text/html' } })
  expect(response.status).toBe(404)
  expect(response.headers.get('content-type')).toMatch(/^text\/html/)
})

test('versions name who made them, and restoring adds one without moving bytes', async () => {
  const first = makeDocx(['First'])
  const id = await app.upload('a.docx', first)
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['Second']))]), 'whatever.docx')
  const added = await app.fetch(`/api/documents/${id}/content`, { method: 'PUT', body: form })
  expect([added.status, await added.json()]).toEqual([
    201,
    expect.objectContaining({ versionNumber: 2, isCurrent: true }),
  ])
  const [, upload] = await app.versions(id)

  const restored = await app.fetch(`/api/documents/${id}/versions/${upload?.id}/restore`, { method: 'POST' })

  expect(restored.status).toBe(200)
  expect(await restored.json()).toMatchObject({ id, title: 'a', fileSize: first.length })
  expect(await app.download(id)).toEqual(first)
  expect(await app.versions(id)).toMatchObject([
    {
      versionNumber: 3,
      kind: 'restored',
      isCurrent: true,
      createdBy: 'Tests',
      changeDescription: 'Restored from version 1',
    },
    { versionNumber: 2, kind: 'upload', isCurrent: false },
    { versionNumber: 1, kind: 'upload', isCurrent: false },
  ])
  const blobs = await Array.fromAsync(app.deps.blobs.list())
  expect(blobs.filter(({ size }) => size === first.length)).toHaveLength(1)
})

test('a deleted document is gone from every answer', async () => {
  const id = await app.upload('gone.txt', Buffer.from('hello'))
  await app.deps.database
    .updateTable('documents')
    .set({ deleted_at: clock.now().toISOString() })
    .where('id', '=', id)
    .execute()
  for (const path of ['', '/download', '/versions'])
    expect((await app.fetch(`/api/documents/${id}${path}`)).status).toBe(404)
  expect(await (await app.fetch('/api/documents?take=100')).text()).not.toContain(id)
})
