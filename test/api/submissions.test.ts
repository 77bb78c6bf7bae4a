import { afterAll, expect, test } from 'vitest'
import { purgeTrash } from '../../src/core/retention.ts'
import { sweepBlobs } from '../../src/core/sweep.ts'
import { bearerWith } from '../docserver/support.ts'
import { startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx } from '../support/files.ts'

const clock = testClock(new Date().toISOString())
const both = await startBoth({ clock: clock.now })
afterAll(() => both[Symbol.asyncDispose]())
const { app, docServer } = both

type Submission = { id: string; submittedBy: { id: string }; fileSize: number; data?: unknown }

const FIELDS = { fields: [{ key: 'Name', value: 'Zoë' }] }

/** A document with so many forms handed in, the oldest first. */
async function submitted(count: number) {
  const id = await app.upload('form.docx', makeDocx(['Form']))
  const { key } = (await app.config(id)).document
  const files = Array.from({ length: count }, (_, n) => makeDocx([`Filled ${n}`]))
  for (const [n, bytes] of files.entries()) {
    const status = await both.send(
      {
        key,
        status: 6,
        forcesavetype: 3,
        users: [`user-${n}`],
        formsdataurl: docServer.fileUrl(Buffer.from(JSON.stringify(FIELDS)), 'data.json'),
      },
      bytes,
    )
    expect(status).toBe(200)
    clock.pass(1)
  }
  return { id, files }
}

async function get<T>(path: string, as = app.token) {
  const response = await app.fetch(path, { as })
  return { status: response.status, json: (await response.json()) as T }
}
/** Tokens would not live that long. */
const inDays = (days: number) => ({
  ...app.deps,
  clock: () => new Date(clock.now().getTime() + days * 86_400_000),
})
const list = async (id: string, query = '') =>
  (await get<{ submissions: Submission[]; totalCount: number }>(`/api/documents/${id}/submissions${query}`))
    .json

test('what was handed in is listed newest first, in pages, and read with its data and file', async () => {
  const { id, files } = await submitted(3)

  const { submissions, totalCount } = await list(id)
  expect(totalCount).toBe(3)
  expect(submissions.map(({ submittedBy }) => submittedBy.id)).toEqual(['user-2', 'user-1', 'user-0'])
  expect(await list(id, '?skip=1&take=1')).toMatchObject({
    submissions: [{ submittedBy: { id: 'user-1' } }],
    totalCount: 3,
  })

  const path = `/api/documents/${id}/submissions/${submissions[1]?.id}`
  expect((await get<Submission>(path)).json).toMatchObject({
    documentId: id,
    submittedBy: { id: 'user-1', name: 'user-1' },
    fileSize: files[1]?.length,
    fileType: 'docx',
    hasData: true,
    data: FIELDS,
  })
  const file = await app.fetch(`${path}/download`)
  expect(Buffer.from(await file.arrayBuffer())).toEqual(files[1])
  expect(file.headers.get('content-disposition')).toContain('form.docx')
  const part = await app.fetch(`${path}/download`, { headers: { range: 'bytes=0-1' } })
  expect([part.status, await part.text()]).toEqual([206, 'PK'])
})

test('what was handed in stays when the document goes on, and goes with it', async () => {
  const { id } = await submitted(1)
  const [one] = (await list(id)).submissions
  const path = `/api/documents/${id}/submissions/${one?.id}`

  await sweepBlobs(inDays(40), { pauseMs: 0 })
  expect((await get<Submission>(path)).json.data).toEqual(FIELDS)

  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  expect((await get(path)).status).toBe(404)
  await app.deps.database
    .updateTable('sessions')
    .set({ next_forcesave_at: null })
    .where('document_id', '=', id)
    .execute()
  await purgeTrash(inDays(400))
  const left = app.deps.database.selectFrom('submissions').select('id').where('document_id', '=', id)
  expect(await left.execute()).toEqual([])
  const documents = app.deps.database.selectFrom('documents').select('id').where('id', '=', id)
  expect(await documents.execute()).toEqual([])
})

test('a submission is there for the clients of its workspace and under its own document alone', async () => {
  const { id } = await submitted(1)
  const other = await submitted(1)
  const [one] = (await list(id)).submissions
  const stranger = await bearerWith(app, ['documents:read'], { elsewhere: true })
  const joiner = await bearerWith(app, ['collaboration:join'])
  for (const end of ['', '/download']) {
    const path = `/api/documents/${id}/submissions/${one?.id}${end}`
    const foreign = await get<{ code: string }>(path, stranger)
    expect([foreign.status, foreign.json.code]).toEqual([404, 'document-not-found'])
    expect((await get(path, joiner)).status).toBe(403)
    const elsewhere = `/api/documents/${other.id}/submissions/${one?.id}${end}`
    const missing = await get<{ code: string }>(elsewhere)
    expect([missing.status, missing.json.code]).toEqual([404, 'submission-not-found'])
  }
  expect((await get(`/api/documents/${id}/submissions`, stranger)).status).toBe(404)
})

test.each(['skip=-1', 'skip=x', 'take=0', 'take=101'])('a list with %s is refused', async (query) => {
  expect((await get(`/api/documents/${both.id}/submissions?${query}`)).status).toBe(400)
})
