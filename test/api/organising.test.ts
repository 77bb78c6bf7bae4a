import { afterAll, expect, test } from 'vitest'
import { startApp, type TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())

type Document = {
  id: string
  title: string
  folder: string
  externalId: string | null
  metadata: Record<string, unknown>
}
type List = { documents: Document[]; totalCount: number; nextCursor?: string }

async function send<T>(method: string, path: string, body?: unknown, on: TestApp = app) {
  const response = await on.fetch(path, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, json: (response.status === 204 ? undefined : await response.json()) as T }
}

async function create(fields: Record<string, unknown>): Promise<Document> {
  const { status, json } = await send<Document>('POST', '/api/documents', {
    type: 'Docs',
    format: 'TXT',
    title: 'Paper',
    ...fields,
  })
  expect(status).toBe(201)
  return json
}

const list = async (query: string) => (await send<List>('GET', `/api/documents?${query}`)).json
const titles = async (query: string) =>
  (await list(`${query}&sortBy=title&sortDescending=false`)).documents.map(({ title }) => title)

test('a document lies in a folder, and a list of the folder shows it', async () => {
  await create({ title: 'Plan', folder: '/list/2026/' })
  await create({ title: 'Deep', folder: 'list//2026/q1' })
  await create({ title: 'Beside', folder: '/list/2026-old' })

  expect(await titles('folder=/list/2026')).toEqual(['Plan'])
  expect(await titles('folder=/list/2026&recursive=true')).toEqual(['Deep', 'Plan'])
  expect((await list('folder=/list&recursive=true')).totalCount).toBe(3)
  expect((await send('GET', '/api/folders?parent=/list')).json).toEqual({
    folders: [
      { folder: '/list/2026', count: 2 },
      { folder: '/list/2026-old', count: 1 },
    ],
  })
})

test.each(['/a/../b', '/.', 'x'.repeat(256), `/${'a/'.repeat(33)}`, '/tab\there'])(
  'a folder that cannot be is refused: %j',
  async (folder) => {
    const { status, json } = await send<{ errors: object }>('POST', '/api/documents', {
      title: 'T',
      type: 'Docs',
      format: 'TXT',
      folder,
    })
    expect(status).toBe(400)
    expect(json.errors).toHaveProperty('folder')
  },
)

test('a document moves to another folder without a version', async () => {
  const { id } = await create({ folder: '/move/from' })

  const { json } = await send<Document>('PATCH', `/api/documents/${id}`, { folder: '/move/to' })

  expect(json.folder).toBe('/move/to')
  expect(await app.versions(id)).toHaveLength(1)
  expect((await list('folder=/move/from')).totalCount).toBe(0)
  expect((await list('folder=/move/to')).totalCount).toBe(1)
})

test('a folder moves with everything below it', async () => {
  await create({ title: 'A', folder: '/tree/a' })
  await create({ title: 'B', folder: '/tree/a/b' })
  await create({ title: 'C', folder: '/tree/ab' })

  expect((await send('POST', '/api/folders/move', { from: '/tree/a', to: '/tree/z/y' })).json).toEqual({
    moved: 2,
  })

  expect(await titles('folder=/tree/z/y')).toEqual(['A'])
  expect(await titles('folder=/tree/z/y/b')).toEqual(['B'])
  expect(await titles('folder=/tree/ab')).toEqual(['C'])
  expect((await send('POST', '/api/folders/move', { from: '/tree', to: '/tree/in' })).status).toBe(400)
})

test('a folder can be moved up to the root', async () => {
  await using own = await startApp()
  await send('POST', '/api/documents', { title: 'R', type: 'Docs', format: 'TXT', folder: '/up/a' }, own)
  expect((await send('POST', '/api/folders/move', { from: '/up', to: '/' }, own)).json).toEqual({ moved: 1 })
  expect((await send<List>('GET', '/api/documents', undefined, own)).json.documents[0]?.folder).toBe('/a')
})

test('documents are found by what their owner knows them by', async () => {
  await create({ title: 'Mine', externalId: 'crm-17', metadata: { color: 'red', pages: 3, isFinal: true } })
  await create({ title: 'Other', externalId: 'crm-18', metadata: { color: 'red' } })

  expect(await titles('externalId=crm-17')).toEqual(['Mine'])
  expect(await titles('metadata[color]=red')).toEqual(['Mine', 'Other'])
  expect(await titles('metadata[color]=red&metadata[pages]=3&metadata[isFinal]=true')).toEqual(['Mine'])
  expect((await list('metadata[color]=blue')).totalCount).toBe(0)
})

test('metadata given again stands in place of what was there', async () => {
  const { id } = await create({ metadata: { stage: 'draft', owner: 'ann' }, externalId: 'x-1' })

  const { json } = await send<Document>('PATCH', `/api/documents/${id}`, {
    metadata: { stage: 'final' },
    externalId: null,
  })

  expect(json).toMatchObject({ metadata: { stage: 'final' }, externalId: null })
  expect((await list('metadata[owner]=ann')).totalCount).toBe(0)
  expect((await list('metadata[stage]=final')).totalCount).toBe(1)
  expect((await list('externalId=x-1')).totalCount).toBe(0)
})

test.each([
  { metadata: { nested: {} } },
  { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`n${n}`, 1])) },
  { metadata: { long: 'x'.repeat(1001) } },
  { externalId: '' },
  { externalId: 'x'.repeat(201) },
])('metadata beyond the limits is refused %#', async (fields) => {
  const { status } = await send('POST', '/api/documents', {
    title: 'T',
    type: 'Docs',
    format: 'TXT',
    ...fields,
  })
  expect(status).toBe(400)
})

test('an uploaded file is placed by the query', async () => {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['x']))]), 'placed.docx')
  const response = await app.fetch('/api/documents/upload?folder=/in&externalId=u-1&metadata[from]=mail', {
    method: 'POST',
    body: form,
  })
  expect(await response.json()).toMatchObject({
    folder: '/in',
    externalId: 'u-1',
    metadata: { from: 'mail' },
  })
})

test('a copy has the content, the place and the metadata, but not the external id', async () => {
  const { id } = await create({ title: 'Origin', folder: '/copies', externalId: 'o-1', metadata: { a: 1 } })

  const { status, json } = await send<Document>('POST', `/api/documents/${id}/copy`, {})

  expect(status).toBe(201)
  expect(json).toMatchObject({
    title: 'Origin (copy)',
    folder: '/copies',
    externalId: null,
    metadata: { a: 1 },
  })
  expect(await app.download(json.id)).toEqual(await app.download(id))
  expect(await app.versions(json.id)).toMatchObject([
    { versionNumber: 1, changeDescription: 'Copied from “Origin”' },
  ])
  const named = await send<Document>('POST', `/api/documents/${id}/copy`, { title: 'Second', folder: '/' })
  expect(named.json).toMatchObject({ title: 'Second', folder: '/' })
})

test('pages by cursor give each document once, also where sort values are equal', async () => {
  await using own = await startApp()
  for (let n = 0; n < 7; n += 1) {
    await send('POST', '/api/documents', { title: `Same ${n % 2}`, type: 'Docs', format: 'TXT' }, own)
  }
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const query = `take=3&sortBy=title${cursor === undefined ? '' : `&cursor=${cursor}`}`
    const { json } = await send<List>('GET', `/api/documents?${query}`, undefined, own)
    expect(json.totalCount).toBe(7)
    seen.push(...json.documents.map(({ id }) => id))
    cursor = json.nextCursor
  } while (cursor !== undefined)
  expect(new Set(seen).size).toBe(7)
  expect(seen).toHaveLength(7)
})

test('a cursor of another order, or none at all, is refused', async () => {
  await create({})
  await create({})
  const { nextCursor } = await list('take=1&sortBy=title')
  for (const cursor of [nextCursor, 'nonsense', Buffer.from('[1]').toString('base64url')]) {
    const { status, json } = await send<{ errors: object }>(
      'GET',
      `/api/documents?cursor=${cursor}&sortBy=fileSize`,
    )
    expect([status, json.errors]).toEqual([400, { cursor: [expect.any(String)] }])
  }
})
