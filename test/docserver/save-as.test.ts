import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test } from 'vitest'
import { createCsrf } from '../../src/http/csrf.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs, makeDocx, makeXlsx } from '../support/files.ts'
import { ask, embedTokenOf, pageTokenOf } from './asked.ts'
import { allRows, bearerWith, countedFile, startPair, temporaryFiles } from './support.ts'

const ROOT_SECRET = 'save-as-root-secret-0123456789abcdef'
const clock = testClock(new Date().toISOString())
const pair = await startPair({ clock: clock.now, env: { ROOT_SECRET, MAX_FILE_BYTES: '1000000' } })
afterAll(() => pair[Symbol.asyncDispose]())
const { app, docServer } = pair
const id = await app.upload('report.docx', makeDocx(['One']))

test('the title changes for everybody, without an extension that the editor gave', async () => {
  const renamed = await app.upload('old.docx', makeDocx(['One']))
  const editor = await docServer.open(await app.config(renamed))
  expect(await ask(app, renamed, 'rename', { title: ' Täglich.docx ' })).toMatchObject({
    status: 200,
    answer: { title: 'Täglich' },
  })
  expect((await app.config(renamed)).document.title).toBe('Täglich.docx')
  await editor.close()
  for (const body of [{ title: ' ' }, { title: 5 }, {}])
    expect((await ask(app, renamed, 'rename', body)).status).toBe(400)
})

test('a copy in another format lies beside its source and belongs to its maker', async () => {
  const folder = { method: 'PATCH', headers: { 'content-type': 'application/json' } }
  const source = await app.upload('plan.docx', makeDocx(['One']))
  await app.fetch(`/api/documents/${source}`, { ...folder, body: JSON.stringify({ folder: '/projects' }) })
  const file = countedFile(docServer, makeDocx(['Saved']))

  const asked = { fileType: 'DOCX', title: 'A/B copy.docx', url: file.url }
  // The administrator sees all workspaces: the copy goes where its source lies.
  const { status, answer } = await ask(app, source, 'save-as', asked, { as: ADMIN_TOKEN })

  expect(status).toBe(200)
  expect(answer).toEqual({
    id: expect.any(String),
    title: 'A/B copy',
    url: expect.stringMatching(new RegExp(`^http://.*/api/onlyoffice/viewer/${answer.id}$`)),
  })
  expect(docxParagraphs(await app.download(answer.id))).toEqual(['Saved'])
  const made = await (await app.fetch(`/api/documents/${answer.id}`)).json()
  expect(made).toMatchObject({ folder: '/projects', title: 'A/B copy' })
  const { history } = (await ask(app, answer.id, 'history')).answer
  expect(history).toMatchObject([{ version: 1, user: { id: 'administrator' } }])
  expect((await app.config(answer.id)).document.fileType).toBe('docx')
})

test('nothing is fetched from anywhere but Document Server, and nothing that is no document', async () => {
  let asked = 0
  const foreign = createServer((_request, response) => {
    asked += 1
    response.end(makeDocx(['Foreign']))
  })
  await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
  const foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`
  const own = countedFile(docServer, makeDocx(['Own']))
  const before = await allRows(app)

  const cases: [object, number][] = [
    [{ fileType: 'docx', url: `${foreignUrl}/output.docx` }, 422],
    [{ fileType: 'docx', url: 'file:///etc/passwd' }, 422],
    [{ fileType: 'exe', url: own.url }, 415],
    [{ fileType: 'zip', url: own.url }, 415],
    [{ fileType: '../docx', url: own.url }, 400],
    [{ fileType: 'docx' }, 400],
    [{ fileType: 'docx', url: own.url, title: '' }, 400],
  ]
  for (const [body, expected] of cases) {
    const { status } = await ask(app, id, 'save-as', { title: 'copy', ...body })
    expect([body, status]).toEqual([body, expected])
  }

  expect([asked, own.fetched]).toEqual([0, 0])
  expect(await allRows(app)).toBe(before)
  foreign.close()
})

test('a file that does not end, is not there, or is another type makes no document', async () => {
  const before = await allRows(app)
  const file = () => docServer.fileUrl(makeDocx(['One']))
  const save = async (url: string) => {
    const { status, answer } = await ask(app, id, 'save-as', { fileType: 'docx', title: 'copy', url })
    return [status, answer.error]
  }
  docServer.faults.files({ kind: 'endless' })
  expect(await save(file())).toEqual([422, 'ADDRESS_REFUSED'])
  docServer.faults.files({ kind: 'status', status: 410 })
  expect(await save(file())).toEqual([422, 'ADDRESS_REFUSED'])
  docServer.faults.files({ kind: 'redirect', location: 'http://127.0.0.1:9/' })
  expect(await save(file())).toEqual([422, 'ADDRESS_REFUSED'])
  docServer.faults.files({ kind: 'truncate' })
  expect(await save(file())).toEqual([503, 'DOWNLOAD_FAILED'])
  docServer.faults.files({ kind: 'empty' })
  expect(await save(file())).toEqual([400, 'UPLOAD_EMPTY'])
  expect(await save(countedFile(docServer, makeXlsx([['1']])).url)).toEqual([400, 'MIME_TYPE_MISMATCH'])
  expect(await allRows(app)).toBe(before)
  expect(await temporaryFiles(app)).toEqual([])
})

test('only who holds a good token for this document gets in', async () => {
  const body = { title: 'mine' }
  const page = await pageTokenOf(app, id)
  const other = await app.upload('other.docx', makeDocx(['Other']))
  const cases: [string, string, string | null, number][] = [
    ['nobody', id, null, 401],
    ['a forged token', id, `${page.slice(0, -2)}xx`, 401],
    ['the page of another document', other, page, 401],
    ['an embed of another document', id, await embedTokenOf(app, other), 401],
    [
      'a client of another workspace',
      id,
      await bearerWith(app, ['documents:read', 'documents:write'], { elsewhere: true }),
      404,
    ],
    ['a client that may only read', id, await bearerWith(app, ['documents:read']), 403],
    ['the page', id, page, 200],
  ]
  for (const [who, documentId, as, expected] of cases)
    expect([who, (await ask(app, documentId, 'rename', body, { as })).status]).toEqual([who, expected])

  const file = countedFile(docServer, makeDocx(['Own']))
  const embed = await embedTokenOf(app, id)
  const copy = { fileType: 'docx', title: 'copy', url: file.url }
  const refused = await ask(app, id, 'save-as', copy, { as: embed })
  expect([refused.status, refused.answer.error, file.fetched]).toEqual([403, 'GRANT_MISSING', 0])
  clock.pass(25 * 3600)
  for (const as of [page, embed]) expect((await ask(app, id, 'rename', body, { as })).status).toBe(401)
})

test('a cookie alone changes nothing: our own page sends its Origin and a CSRF token', async () => {
  await using own = await startApp({ env: { ROOT_SECRET } })
  const document = await own.upload('report.docx', makeDocx(['One']))
  const form = new URLSearchParams({ token: ADMIN_TOKEN })
  const origin = own.url
  const signedIn = await fetch(`${own.url}/sign-in`, {
    method: 'POST',
    body: form,
    headers: { origin },
    redirect: 'manual',
  })
  const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
  const csrf = createCsrf(ROOT_SECRET, own.url).tokenOf({ headers: { cookie } } as never)
  const rename = async (headers: Record<string, string>) =>
    (await ask(own, document, 'rename', { title: 'new' }, { as: null, headers: { cookie, ...headers } }))
      .status

  expect(await rename({})).toBe(403)
  expect(await rename({ origin })).toBe(403)
  expect(await rename({ 'x-csrf-token': csrf })).toBe(403)
  expect(await rename({ origin: 'https://evil.example', 'x-csrf-token': csrf })).toBe(403)
  expect(await rename({ origin, 'x-csrf-token': `${csrf}x` })).toBe(403)
  expect(await rename({ origin, 'x-csrf-token': csrf })).toBe(200)
})
