import { afterAll, expect, test } from 'vitest'
import { sweep } from '../../src/core/sweep.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'
import { ask, bytesAt, embedTokenOf, signedPayload } from './asked.ts'
import { bearerWith, startPair, temporaryFiles } from './support.ts'

const clock = testClock(new Date().toISOString())
const pair = await startPair({ clock: clock.now })
afterAll(() => pair[Symbol.asyncDispose]())
const { app } = pair
const id = await app.upload('letter.docx', makeDocx(['Dear']))
const newer = makeDocx(['Dear Sir'])
const other = await app.upload('newer.docx', newer)
const people = makeXlsx([['Ann']])
const recipients = await app.upload('people.xlsx', people)
const elsewhere = await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true })
const foreign = await uploadAs(elsewhere)

async function uploadAs(as: string): Promise<string> {
  const form = fileForm(makeDocx(['Theirs']), 'theirs.docx')
  const response = await app.fetch('/api/documents/upload', { method: 'POST', body: form, as })
  return ((await response.json()) as { id: string }).id
}

function fileForm(bytes: Buffer, name = 'image.png'): FormData {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)]), name)
  return form
}

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)
const IMAGES: [string, Buffer][] = [
  ['png', PNG],
  ['gif', Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')],
  ['jpg', Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex')],
  ['bmp', Buffer.from(`424d3a0000000000000036000000280000000100000001000000${'00'.repeat(32)}`, 'hex')],
  ['tiff', Buffer.from(`49492a0008000000${'00'.repeat(32)}`, 'hex')],
]

test.each(IMAGES)('a %s is inserted, whatever its name says', async (fileType, bytes) => {
  const { status, answer } = await ask(app, id, 'insert-image?c=change', fileForm(bytes, 'photo.txt'))
  expect(status).toBe(200)
  const { c, images } = signedPayload(answer)
  expect([c, images]).toEqual(['change', [{ fileType, url: expect.any(String) }]])
  const response = await fetch(images[0].url)
  expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes)
  expect(response.headers.get('content-type')).toMatch(/^image\//)
  expect(response.headers.get('content-disposition')).toMatch(/^attachment/)
})

test('the address of an image opens this image, of this document, while the document exists', async () => {
  const document = await app.upload('short.docx', makeDocx(['One']))
  const { answer } = await ask(app, document, 'insert-image', fileForm(PNG))
  const [{ url }] = answer.images
  await ask(app, other, 'insert-image', fileForm(IMAGES[1]?.[1] ?? PNG))
  expect(answer.c).toBe('add')
  expect((await fetch(url.replace(document, recipients))).status).toBe(404)
  await app.fetch(`/api/documents/${document}`, { method: 'DELETE' })
  expect((await fetch(url)).status).toBe(404)
})

test('what is no image is refused and leaves nothing', async () => {
  const count = async () => (await app.deps.database.selectFrom('attachments').selectAll().execute()).length
  const before = await count()
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
  for (const bytes of [
    Buffer.from('not an image'),
    makeDocx(['One']),
    svg,
    Buffer.alloc(0),
    PNG.subarray(0, 8),
  ])
    expect((await ask(app, id, 'insert-image', fileForm(bytes))).answer.error).toBe('IMAGE_UNSUPPORTED')
  const large = Buffer.concat([PNG, Buffer.alloc(20 * 1024 ** 2)])
  expect((await ask(app, id, 'insert-image', fileForm(large))).status).toBe(413)
  expect((await ask(app, id, 'insert-image?c=explode', fileForm(PNG))).status).toBe(400)
  // Documents of the workspace are office files.
  expect((await ask(app, id, 'insert-image', { c: 'add', documentId: other })).status).toBe(415)
  expect(await count()).toBe(before)
  expect(await temporaryFiles(app)).toEqual([])
})

test('a document to compare with, combine or take text from', async () => {
  for (const c of ['compare', 'combine', 'insert-text']) {
    const { answer } = await ask(app, id, 'compare', { c, documentId: other })
    const { url, ...payload } = signedPayload(answer)
    expect(payload).toEqual({ c, fileType: 'docx' })
    expect(await bytesAt(url)).toEqual(newer)
  }
  const { answer } = await ask(app, id, 'compare', { documentId: other, legacy: true })
  expect(Object.keys(signedPayload(answer))).toEqual(['fileType', 'url'])
})

test('recipients for a mail merge', async () => {
  const { answer } = await ask(app, id, 'mail-merge', { c: 'mailmerge', documentId: recipients })
  const { url, ...payload } = signedPayload(answer)
  expect(payload).toEqual({ c: 'mailmerge', fileType: 'xlsx' })
  expect(await bytesAt(url)).toEqual(people)
  const old = await ask(app, id, 'mail-merge', { documentId: recipients, legacy: true })
  expect(Object.keys(signedPayload(old.answer))).toEqual(['fileType', 'url'])
})

test('nothing is signed for other types, other workspaces, and who may not pick documents', async () => {
  const cases: [string, object, string | undefined, number][] = [
    ['compare', { documentId: recipients }, undefined, 422],
    ['mail-merge', { documentId: other }, undefined, 422],
    ['compare', { documentId: foreign }, undefined, 404],
    ['mail-merge', { documentId: foreign }, undefined, 404],
    ['compare', { documentId: crypto.randomUUID() }, undefined, 404],
    ['compare', { c: 'steal', documentId: other }, undefined, 400],
    ['compare', {}, undefined, 400],
    ['compare', { documentId: other }, await embedTokenOf(app, id), 403],
    ['mail-merge', { documentId: recipients }, await embedTokenOf(app, id), 403],
    ['compare', { documentId: other }, await bearerWith(app, ['documents:read']), 403],
  ]
  for (const [path, body, as, expected] of cases) {
    const { status, answer } = await ask(app, id, path, body, as === undefined ? {} : { as })
    expect([path, body, status]).toEqual([path, body, expected])
    expect(answer.token).toBeUndefined()
  }
})

test('images go when nobody can fetch them any more, and not before', async () => {
  const { answer } = await ask(app, id, 'insert-image', fileForm(PNG))
  const [{ url }] = answer.images
  const sha256 = /"([0-9a-f]{64})"/.exec((await fetch(url)).headers.get('etag') ?? '')?.[1] ?? ''
  clock.pass(30 * 86_400)
  await sweep(app.deps, { pauseMs: 0 })
  expect((await fetch(url)).status).toBe(200)
  clock.pass(2 * 86_400)
  await sweep(app.deps, { pauseMs: 0 })
  expect((await fetch(url)).status).toBe(403)
  await expect(app.deps.blobs.open(sha256)).rejects.toMatchObject({ code: 'blob-missing' })
})
