import { expect, test } from 'vitest'
import { startBoth } from '../support/both.ts'
import { makeXlsx } from '../support/files.ts'
import { ask, bytesAt, embedTokenOf, signedPayload } from './asked.ts'
import { bearerWith } from './support.ts'

const SALES = makeXlsx([['100']])
const OTHER_SALES = makeXlsx([['200']])

async function workbooks() {
  const both = await startBoth()
  const { app } = both
  const into = async (document: string, folder: string) => {
    const response = await app.fetch(`/api/documents/${document}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ folder }),
    })
    expect(response.status).toBe(200)
  }
  const book = await app.upload('book.xlsx', makeXlsx([['=']]))
  const near = await app.upload('sales.xlsx', SALES)
  const far = await app.upload('sales.xlsx', OTHER_SALES)
  await into(book, '/2026')
  await into(near, '/2026')
  // Changed later, and all the same not what is nearest.
  await into(far, '/2025')
  return { ...both, book, near, far, into, [Symbol.asyncDispose]: () => both[Symbol.asyncDispose]() }
}

test('a linked workbook is found by what we call it, else by its name nearby, else by its address', async () => {
  await using books = await workbooks()
  const { app, book, near, far, into } = books
  const named = await ask(app, book, 'reference-data', { path: 'sales.xlsx' })
  const { instanceId } = named.answer.referenceData
  const found = async (body: object) => {
    const { answer } = await ask(app, book, 'reference-data', body)
    return answer.referenceData?.fileKey ?? answer.error
  }

  const { answer } = await ask(app, book, 'reference-data', {
    referenceData: { fileKey: far, instanceId },
    path: 'sales.xlsx',
  })
  const { url, key, ...payload } = signedPayload(answer)
  expect(payload).toEqual({
    fileType: 'xlsx',
    path: 'sales.xlsx',
    referenceData: { fileKey: far, instanceId },
    link: `${instanceId}/api/onlyoffice/viewer/${far}`,
  })
  expect(await bytesAt(url)).toEqual(OTHER_SALES)
  expect(key).toBe((await app.config(far)).document.key)

  const foreign = { fileKey: far, instanceId: 'https://other.example' }
  expect(await found({ referenceData: foreign, path: 'sales.xlsx' })).toBe(near)
  expect(await found({ path: 'file:///C:\\Data\\sales.xlsx', link: payload.link })).toBe(near)
  expect(await found({ path: 'gone.xlsx', link: payload.link })).toBe(far)
  await into(far, '/2026')
  await into(near, '/2025')
  expect(await found({ path: 'sales%2Exlsx' })).toBe(far)
  expect(await found({ path: 'gone.xlsx' })).toEqual(expect.any(String))
  expect(await found({ link: `${payload.link}x`.replace('http', 'https') })).toEqual(expect.any(String))
  expect((await ask(app, book, 'reference-data', { path: 'gone.xlsx' })).status).toBe(200)
})

test('values come from the open session, with what was saved last', async () => {
  await using books = await workbooks()
  const { app, docServer, book, near } = books
  const { key } = (await app.config(near)).document
  const typed = makeXlsx([['150']])
  const save = { key, status: 6, forcesavetype: 0, users: ['ann'], filetype: 'xlsx' }
  await docServer.sendCallback(
    key,
    { ...save, url: docServer.fileUrl(typed, 'output.xlsx') },
    { callbackUrl: `${app.url}/api/onlyoffice/callback` },
  )
  const { answer } = await ask(app, book, 'reference-data', { path: 'sales.xlsx' })
  expect(answer.key).toBe(key)
  expect(await bytesAt(answer.url)).toEqual(typed)
})

test('another source is chosen by id, and links open in the viewer', async () => {
  await using books = await workbooks()
  const { app, book, near, far } = books
  const chosen = await ask(app, book, 'reference-source', { documentId: far, path: 'sales.xlsx' })
  expect(signedPayload(chosen.answer)).toMatchObject({ path: 'sales.xlsx', referenceData: { fileKey: far } })
  const same = await ask(app, book, 'reference-source', { path: 'sales.xlsx' })
  expect(same.answer.referenceData.fileKey).toBe(near)

  const opened = await ask(app, book, 'open', { path: 'sales.xlsx', windowName: 'w1' })
  expect([opened.status, new URL(opened.answer.url).pathname]).toEqual([
    200,
    `/api/onlyoffice/viewer/${near}`,
  ])
  expect((await ask(app, book, 'open', { path: 'report.docx' })).status).toBe(200)
  expect((await ask(app, book, 'open', { path: 'gone.docx' })).status).toBe(404)
})

test('nothing outside the workspace is found, no other type, and nothing for an embed', async () => {
  await using books = await workbooks()
  const { app, book, near } = books
  const { instanceId } = (await ask(app, book, 'reference-data', { path: 'sales.xlsx' })).answer.referenceData
  const theirs = await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true })
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(SALES)]), 'secret.xlsx')
  const uploaded = await app.fetch('/api/documents/upload', { method: 'POST', body: form, as: theirs })
  const { id: secret } = (await uploaded.json()) as { id: string }

  const nothing = { status: 200, answer: { error: expect.any(String) } }
  const asked = async (path: string, body: object, as?: string) => {
    const { status, answer } = await ask(app, book, path, body, as === undefined ? {} : { as })
    return { status, answer }
  }
  expect(await asked('reference-data', { referenceData: { fileKey: secret, instanceId } })).toEqual(nothing)
  expect(await asked('reference-data', { path: 'secret.xlsx' })).toEqual(nothing)
  expect(await asked('reference-data', { path: 'report.docx' })).toEqual(nothing)
  expect(await asked('reference-data', { path: '%E0%A4%A' })).toEqual(nothing)
  expect(await asked('reference-data', {})).toEqual(nothing)
  expect(await asked('reference-source', { documentId: secret })).toMatchObject({ status: 404 })
  expect(await asked('reference-source', { documentId: books.id })).toMatchObject({ status: 422 })
  expect(await asked('open', { referenceData: { fileKey: secret, instanceId } })).toMatchObject({
    status: 404,
  })
  expect(await asked('reference-data', { referenceData: 'x' })).toMatchObject({ status: 400 })

  const embed = await embedTokenOf(app, book)
  for (const path of ['reference-data', 'reference-source', 'open'])
    expect([path, (await asked(path, { path: 'sales.xlsx' }, embed)).status]).toEqual([path, 403])
  await app.fetch(`/api/documents/${near}`, { method: 'DELETE' })
  const left = await ask(app, book, 'reference-data', { path: 'sales.xlsx' })
  expect(left.answer.referenceData.fileKey).toBe(books.far)
})

test('a file that is not what it says gives no values', async () => {
  await using books = await workbooks()
  const { app, book } = books
  const head = await app.deps.database
    .selectFrom('versions')
    .select('sha256')
    .where('document_id', '=', books.id)
    .executeTakeFirstOrThrow()
  await app.deps.database
    .updateTable('versions')
    .set({ sha256: head.sha256 })
    .where('document_id', '=', books.near)
    .execute()
  const { status, answer } = await ask(app, book, 'reference-data', { path: 'sales.xlsx' })
  expect([status, answer.error]).toEqual([400, 'MIME_TYPE_MISMATCH'])
})
