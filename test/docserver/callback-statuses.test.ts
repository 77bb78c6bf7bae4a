import { afterAll, expect, test } from 'vitest'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { countedFile, openedDocx, postCallback, startPair } from './support.ts'

// One service for the whole file: each test works on documents of its own.
const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())

const edited = makeDocx(['Edited'])
const OK = { status: 200, body: '{"error":0}' }

test.each([0, 1, 4, 5])('status %i has nothing to store and answers 200', async (status) => {
  const { app, docServer } = pair
  const { key, id } = await openedDocx(app)
  const file = countedFile(docServer, edited)
  const answer = await postCallback(app, { key, status, users: ['ann'], url: file.url })
  expect(answer).toMatchObject(OK)
  expect(file.fetched).toBe(0)
  expect(await app.versions(id)).toHaveLength(1)
})

test.each([
  [2, 'final'],
  [6, 'draft'],
])('status %i with its file becomes the head (%s) and answers 200', async (status, kind) => {
  const { app, docServer } = pair
  const { key, id } = await openedDocx(app)
  const file = countedFile(docServer, edited)
  const fields = { key, status, url: file.url, filetype: 'docx', users: ['ann'], forcesavetype: 0 }
  expect(await postCallback(app, fields)).toMatchObject(OK)
  expect((await app.versions(id))[0]).toMatchObject({ kind, isCurrent: true, versionNumber: 2 })
  expect(docxParagraphs(await app.download(id))).toEqual(['Edited'])
})

test('status 3 without a file answers 422, so that Document Server keeps the edits', async () => {
  const { app } = pair
  const { key, id } = await openedDocx(app)
  const answer = await postCallback(app, { key, status: 3, users: ['ann'] })
  expect([answer.status, answer.body]).toEqual([422, '{"error":0}'])
  expect(await app.versions(id)).toHaveLength(1)
  expect((await app.config(id)).document.key).toBe(key)
})

test('status 7 without a file answers 200: editing goes on', async () => {
  const { app } = pair
  const { key, id } = await openedDocx(app)
  expect(await postCallback(app, { key, status: 7, users: ['ann'], forcesavetype: 0 })).toMatchObject(OK)
  expect(await app.versions(id)).toHaveLength(1)
})

test.each([3, 7])('the file of a status %i becomes a recovery version, never the head', async (status) => {
  const { app, docServer } = pair
  const { key, id, bytes } = await openedDocx(app)
  const file = countedFile(docServer, edited)
  expect(
    await postCallback(app, { key, status, url: file.url, filetype: 'docx', users: ['ann'] }),
  ).toMatchObject(OK)
  expect((await app.versions(id)).map(({ kind, isCurrent }) => [kind, isCurrent])).toEqual([
    ['recovery', false],
    ['upload', true],
  ])
  expect(await app.download(id)).toEqual(bytes)
  expect((await app.config(id)).document.key).toBe(key)
})

test('bytes of another type are stored under their true type', async () => {
  const { app, docServer } = pair
  const id = await app.upload('old.txt', Buffer.from('hello'))
  const { key } = (await app.config(id)).document
  const file = countedFile(docServer, edited)
  expect(
    await postCallback(app, { key, status: 2, url: file.url, filetype: 'docx', users: ['ann'] }),
  ).toMatchObject(OK)
  expect((await app.versions(id)).map(({ format }) => format)).toEqual(['DOCX', 'TXT'])
  const next = await app.config(id)
  expect([next.document.fileType, next.document.title]).toEqual(['docx', 'old.docx'])
})

test('saves of a deleted document are stored too', async () => {
  const { app, docServer } = pair
  const { key, id } = await openedDocx(app)
  const setDeleted = (at: string | null) =>
    app.deps.database.updateTable('documents').set({ deleted_at: at }).where('id', '=', id).execute()
  await setDeleted(new Date().toISOString())
  const file = countedFile(docServer, edited)
  expect(
    await postCallback(app, { key, status: 2, url: file.url, filetype: 'docx', users: ['ann'] }),
  ).toMatchObject(OK)
  await setDeleted(null)
  expect(docxParagraphs(await app.download(id))).toEqual(['Edited'])
})

test('another method than POST answers 405', async () => {
  for (const method of ['GET', 'PUT', 'DELETE']) {
    expect((await fetch(`${pair.app.url}/api/onlyoffice/callback`, { method })).status).toBe(405)
  }
})

test('fields unknown to us are ignored and missing ones tolerated', async () => {
  const { app, docServer } = pair
  const { key, id } = await openedDocx(app)
  const file = countedFile(docServer, edited)
  const odd = {
    key,
    status: 2,
    url: file.url,
    history: null,
    changesurl: null,
    lastsave: 'not a time',
    fork: { a: 1 },
  }
  expect(await postCallback(app, odd)).toMatchObject(OK)
  expect((await app.versions(id))[0]).toMatchObject({ kind: 'final', format: 'DOCX', createdBy: 'unknown' })
})

test('a changes archive that cannot be had never costs the save', async () => {
  const { app, docServer } = pair
  const { key, id } = await openedDocx(app)
  const file = countedFile(docServer, edited)
  const changesurl = 'https://elsewhere.example/changes.zip'
  const fields = { key, status: 2, url: file.url, changesurl, filetype: 'docx', users: ['ann'] }
  expect(await postCallback(app, fields)).toMatchObject(OK)
  expect(docxParagraphs(await app.download(id))).toEqual(['Edited'])
})
