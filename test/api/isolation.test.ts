import { afterAll, expect, test } from 'vitest'
import type { Permission } from '../../src/core/callers.ts'
import { bearerWith, openedDocx, startPair } from '../docserver/support.ts'
import { makeDocx } from '../support/files.ts'

const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())
const { app } = pair

/** Status, headers and body without what differs from request to request. */
async function answerOf(path: string, init: RequestInit, as: string) {
  const response = await app.fetch(path, { ...init, as })
  const {
    date: _date,
    'x-request-id': _id,
    ratelimit: _limit,
    ...headers
  } = Object.fromEntries(response.headers)
  const body = (await response.text()).replace(/"traceId":"[^"]*"/, '"traceId":""')
  return { status: response.status, headers, body }
}

function fileForm(): FormData {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['Mine']))]), 'a.docx')
  return form
}

const ROUTES: [string, (id: string, versionId: string) => string, () => RequestInit][] = [
  ['GET document', (id) => `/api/documents/${id}`, () => ({})],
  ['GET download', (id) => `/api/documents/${id}/download`, () => ({})],
  ['HEAD download', (id) => `/api/documents/${id}/download`, () => ({ method: 'HEAD' })],
  ['GET versions', (id) => `/api/documents/${id}/versions`, () => ({})],
  [
    'POST restore',
    (id, version) => `/api/documents/${id}/versions/${version}/restore`,
    () => ({ method: 'POST' }),
  ],
  ['PUT content', (id) => `/api/documents/${id}/content`, () => ({ method: 'PUT', body: fileForm() })],
  ['GET config', (id) => `/api/onlyoffice/config/${id}`, () => ({})],
  ['GET viewer', (id) => `/api/onlyoffice/viewer/${id}`, () => ({})],
  ['GET viewer page', (id) => `/api/onlyoffice/viewer/${id}`, () => ({ headers: { accept: 'text/html' } })],
]

test.each(ROUTES)(
  "%s: another workspace's document answers exactly like one that does not exist",
  async (_name, path, init) => {
    const { id } = await openedDocx(app)
    const [version] = await app.versions(id)
    const stranger = await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true })

    const foreign = await answerOf(path(id, version?.id ?? ''), init(), stranger)
    const missing = await answerOf(path(crypto.randomUUID(), crypto.randomUUID()), init(), stranger)

    expect(foreign).toEqual(missing)
    expect(foreign.status).toBe(404)
    expect(await app.versions(id)).toHaveLength(1)
  },
)

test('a version of another document is no version of mine', async () => {
  const mine = await openedDocx(app)
  const other = await openedDocx(app, 'other.docx')
  const [version] = await app.versions(other.id)
  const restore = (id: string | undefined) => `/api/documents/${mine.id}/versions/${id}/restore`
  const foreign = await answerOf(restore(version?.id), { method: 'POST' }, app.token)
  const missing = await answerOf(restore(crypto.randomUUID()), { method: 'POST' }, app.token)
  expect(foreign).toEqual(missing)
  expect(foreign.status).toBe(404)
})

test('the list shows the own workspace alone', async () => {
  const { id } = await openedDocx(app)
  const stranger = await bearerWith(app, ['documents:read'], { elsewhere: true })
  const response = await app.fetch('/api/documents', { as: stranger })
  expect(await response.json()).toEqual({ documents: [], totalCount: 0, skip: 0, take: 20 })
  const colleague = await bearerWith(app, ['documents:read'])
  expect(await (await app.fetch('/api/documents', { as: colleague })).text()).toContain(id)
})

const FORBIDDEN: [string, Permission[], (id: string, version: string) => [string, RequestInit]][] = [
  ['upload', ['documents:read'], () => ['/api/documents/upload', { method: 'POST', body: fileForm() }]],
  ['create', ['documents:read'], () => ['/api/documents', newDocument()]],
  [
    'restore',
    ['documents:read'],
    (id, version) => [`/api/documents/${id}/versions/${version}/restore`, { method: 'POST' }],
  ],
  [
    'replace the content',
    ['documents:read'],
    (id) => [`/api/documents/${id}/content`, { method: 'PUT', body: fileForm() }],
  ],
  ['list', ['documents:write'], () => ['/api/documents', {}]],
  ['look at a document', ['documents:write'], (id) => [`/api/documents/${id}`, {}]],
  ['download', ['documents:write'], (id) => [`/api/documents/${id}/download`, {}]],
  ['see versions', ['collaboration:join'], (id) => [`/api/documents/${id}/versions`, {}]],
]

function newDocument(): RequestInit {
  const body = JSON.stringify({ title: 'A', type: 'Docs', format: 'DOCX' })
  return { method: 'POST', headers: { 'content-type': 'application/json' }, body }
}

test.each(FORBIDDEN)(
  'who lacks the permission cannot %s: 403, and nothing changes',
  async (_name, permissions, ask) => {
    const { id } = await openedDocx(app)
    const [version] = await app.versions(id)
    const limited = await bearerWith(app, permissions)
    const count = async () =>
      (
        await app.deps.database
          .selectFrom('versions')
          .select((row) => row.fn.countAll().as('n'))
          .executeTakeFirst()
      )?.n
    const before = await count()
    const [path, init] = ask(id, version?.id ?? '')
    const response = await app.fetch(path, { ...init, as: limited })
    expect(response.status).toBe(403)
    expect(await response.json()).toMatchObject({ code: 'permission-missing' })
    expect(await count()).toBe(before)
  },
)

test('a key that may not read gets nothing of a document from the editor’s endpoints either', async () => {
  const id = await app.upload('secret.docx', makeDocx(['Secret']))
  for (const permissions of [['collaboration:join'], ['documents:write']] as const) {
    const as = await bearerWith(app, [...permissions])
    for (const path of ['history', 'history/1', 'users?c=info', 'sharing', 'choices']) {
      const response = await app.fetch(`/api/onlyoffice/documents/${id}/${path}`, { as })
      expect([path, response.status]).toEqual([path, 403])
    }
  }
})
