import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import jwt from 'jsonwebtoken'
import { afterAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, openAs, SECRET, startApp, type TestApp } from '../support/app.ts'
import { makeDocx, makeOle, makeXlsx } from '../support/files.ts'
import { bearerWith, openedDocx, startPair } from './support.ts'

// One service for the whole file: each test works on documents of its own.
const pair = await startPair()
afterAll(() => pair[Symbol.asyncDispose]())

type Answer = { config: Record<string, unknown> & Shape; token: string; onlyofficeJsUrl: string }
type Shape = {
  documentType: string
  type: string
  document: {
    key: string
    title: string
    url: string
    fileType: string
    permissions: Record<string, boolean>
  }
  editorConfig: { mode: string; user: { id: string; name: string }; lang?: string }
}

async function answerOf(app: TestApp, path: string, init: Parameters<TestApp['fetch']>[1] = {}) {
  const response = await app.fetch(`/api/onlyoffice/config/${path}`, init)
  expect(response.status).toBe(200)
  return (await response.json()) as Answer
}

test("a config has the contract's shape and is signed as a whole, for a limited time", async () => {
  const { app, docServer } = pair
  const id = await app.upload('Quarterly report.docx', makeDocx(['One']))

  const { config, token, ...rest } = await answerOf(app, id)

  expect(rest).toEqual({ onlyofficeJsUrl: `${docServer.url}/web-apps/apps/api/documents/api.js` })
  expect(config).toEqual({
    documentType: 'word',
    type: 'desktop',
    document: {
      fileType: 'docx',
      key: expect.stringMatching(/^[0-9a-zA-Z\-._=]{29,128}$/),
      title: 'Quarterly report.docx',
      url: expect.stringMatching(/^http:\/\/localhost:\d+\/api\/onlyoffice\/file\/[0-9a-f-]+\?t=[\w.-]+$/),
      referenceData: { fileKey: id, instanceId: expect.stringMatching(/^http:/) },
      info: { owner: expect.any(String), uploaded: expect.any(String), favorite: false },
      permissions: {
        edit: true,
        comment: true,
        review: true,
        fillForms: true,
        modifyContentControl: true,
        modifyFilter: true,
        protect: true,
        copy: true,
        download: true,
        print: true,
        chat: true,
      },
    },
    editorConfig: {
      callbackUrl: expect.stringMatching(/^http:\/\/localhost:\d+\/api\/onlyoffice\/callback$/),
      mode: 'edit',
      user: { id: expect.any(String), name: 'Tests' },
      coEditing: { mode: 'fast', change: true },
      customization: { autosave: true, forcesave: true },
    },
  })
  const { iat, exp, ...signed } = jwt.verify(token, SECRET, { algorithms: ['HS256'] }) as jwt.JwtPayload
  expect(signed).toEqual(config)
  expect(exp).toBeGreaterThan(Date.now() / 1000)
  expect((exp ?? 0) - (iat ?? 0)).toBeLessThanOrEqual(86_400)
})

test('mode, type, language and user of the query are honoured', async () => {
  const { app } = pair
  const id = await app.upload('a.docx', makeDocx(['One']))
  const query = (text: string) => answerOf(app, `${id}?${text}`).then(({ config }) => config)

  const view = await query('mode=view')
  expect(view.editorConfig.mode).toBe('view')
  expect(view.document.permissions).toMatchObject({
    // Stands for the editor's button that asks to edit.
    edit: true,
    comment: false,
    review: false,
    fillForms: false,
  })
  const comment = await query('mode=comment')
  expect(comment.editorConfig.mode).toBe('edit')
  expect(comment.document.permissions).toMatchObject({ edit: false, comment: true, review: false })
  const review = await query('mode=review')
  expect(review.editorConfig.mode).toBe('edit')
  expect(review.document.permissions).toMatchObject({ edit: false, comment: false, review: true })

  for (const type of ['desktop', 'mobile', 'embedded']) expect((await query(`type=${type}`)).type).toBe(type)
  const phone = { headers: { 'user-agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)' } }
  expect((await answerOf(app, id, phone)).config.type).toBe('mobile')
  expect((await query('lang=de-AT')).editorConfig.lang).toBe('de-AT')
  expect((await query('userId=u%2F1&userName=Zo%C3%AB')).editorConfig.user).toEqual({
    id: 'u/1',
    name: 'Zoë',
  })
  expect((await query('userId=u2')).editorConfig.user).toEqual({ id: 'u2', name: 'u2' })
})

test.each(['mode=own', 'type=watch', 'lang=%22%3E', `userId=${'x'.repeat(200)}`])(
  'a query of %s is refused with 400',
  async (query) => {
    const id = await pair.app.upload('a.docx', makeDocx(['One']))
    expect((await pair.app.fetch(`/api/onlyoffice/config/${id}?${query}`)).status).toBe(400)
  },
)

test('who may only read gets the view mode, whatever the query says', async () => {
  const id = await pair.app.upload('a.docx', makeDocx(['One']))
  const reader = await bearerWith(pair.app, ['documents:read'])

  const { config, token } = await answerOf(pair.app, `${id}?mode=edit`, { as: reader })

  expect(config.editorConfig.mode).toBe('view')
  expect(config.document.permissions).toMatchObject({
    edit: false,
    comment: false,
    review: false,
    fillForms: false,
  })
  expect(jwt.decode(token)).toMatchObject({ document: { permissions: config.document.permissions } })
})

test('legacy formats open for viewing, lossy ones for editing', async () => {
  const doc = await pair.app.upload('old.doc', makeOle(['WordDocument', '1Table']))
  const legacy = (await answerOf(pair.app, doc)).config
  expect(legacy.documentType).toBe('word')
  expect(legacy.editorConfig.mode).toBe('view')
  expect(legacy.document.permissions).toMatchObject({ edit: false })

  const csv = await pair.app.upload('table.csv', Buffer.from('a,b\n1,2\n'))
  const lossy = (await answerOf(pair.app, csv)).config
  expect([lossy.documentType, lossy.editorConfig.mode]).toEqual(['cell', 'edit'])
})

test('two openers get the same key; after the final save the next one gets another', async () => {
  const { app, docServer } = pair
  const id = await app.upload('a.docx', makeDocx(['One']))
  const [ann, bob] = [await openAs(app, docServer, id, 'ann'), await openAs(app, docServer, id, 'bob')]
  const key = (await app.config(id)).document.key
  expect([ann.session.document?.key, bob.session.document?.key]).toEqual([key, key])

  ann.type(0, 'Changed')
  await ann.close()
  await bob.close()
  await docServer.settled()

  const next = await app.config(id)
  expect(next.document.key).not.toBe(key)
  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['final', 'upload'])
})

test('an opener during the session gets the address of its newest forced save', async () => {
  const { app, docServer } = pair
  const id = await app.upload('a.docx', makeDocx(['One']))
  const ann = await openAs(app, docServer, id)
  const before = await app.config(id)
  ann.type(0, 'Changed')
  await ann.save()

  const after = await app.config(id)

  expect(after.document.key).toBe(before.document.key)
  const bytes = Buffer.from(await (await fetch(after.document.url)).arrayBuffer())
  expect(bytes).toEqual(await app.download(id))
})

test('without a Document Server opening answers 424', async () => {
  await using app = await startApp()
  const id = await app.upload('a.docx', makeDocx(['One']))
  const response = await app.fetch(`/api/onlyoffice/config/${id}`)
  expect(response.status).toBe(424)
  expect(await response.json()).toEqual({
    message: expect.any(String),
    error: 'DOCUMENT_SERVER_MISSING',
  })
})

test('an unknown document answers 404, a missing or bad token 401, a lacking permission 403', async () => {
  const { app } = pair
  const id = await app.upload('a.docx', makeDocx(['One']))
  const status = async (path: string, as?: string | null) =>
    (await app.fetch(`/api/onlyoffice/config/${path}`, as === undefined ? {} : { as })).status

  expect(await status(crypto.randomUUID())).toBe(404)
  expect(await status('no-id')).toBe(404)
  expect(await status(id, null)).toBe(401)
  expect(await status(id, 'nonsense')).toBe(401)
  expect(await status(id, await bearerWith(app, ['collaboration:join']))).toBe(403)
  expect(await status(id, ADMIN_TOKEN)).toBe(200)
})

test('stored bytes that do not match the extension are refused with MIME_TYPE_MISMATCH', async () => {
  const { app } = pair
  const id = await app.upload('a.docx', makeDocx(['One']))
  const path = join(app.dataDir, 'other.xlsx')
  await writeFile(path, makeXlsx([['1']]))
  const { sha256, size } = await app.deps.blobs.put(createReadStream(path), { maxBytes: 1e6 })
  await app.deps.database
    .updateTable('versions')
    .set({ sha256, size })
    .where('document_id', '=', id)
    .execute()

  const response = await app.fetch(`/api/onlyoffice/config/${id}`)

  expect(response.status).toBe(400)
  expect(await response.json()).toEqual({
    message: expect.stringContaining('XLSX'),
    error: 'MIME_TYPE_MISMATCH',
  })
})

test('an extension that the editor does not know is refused with 400', async () => {
  const { app } = pair
  const id = await app.upload('a.docx', makeDocx(['One']))
  const { sha256, size } = await app.deps.blobs.put(Readable.from([Buffer.from('MZ')]), { maxBytes: 1e6 })
  await app.deps.database
    .updateTable('versions')
    .set({ sha256, size, file_type: 'exe' })
    .where('document_id', '=', id)
    .execute()
  const response = await app.fetch(`/api/onlyoffice/config/${id}`)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: 'EXTENSION_UNSUPPORTED' })
})

test('the list of formats names what can be viewed, edited and filled', async () => {
  const response = await pair.app.fetch('/api/onlyoffice/formats', { as: null })
  expect(response.status).toBe(200)
  const { formats } = (await response.json()) as {
    formats: { extension: string; [field: string]: unknown }[]
  }
  const named = (extension: string) => formats.find((format) => format.extension === extension)
  expect(named('docx')).toMatchObject({ documentType: 'word', view: true, edit: true, lossyEdit: false })
  expect(named('odt')).toMatchObject({ edit: false, lossyEdit: true })
  expect(named('doc')).toMatchObject({ view: true, edit: false, lossyEdit: false })
  expect(named('pdf')).toMatchObject({ documentType: 'pdf', fill: true })
  expect(named('png')).toBeUndefined()
})

test('the status tells a client whether editing works, and details to the administrator and the metrics token alone', async () => {
  const METRICS_TOKEN = 'metrics-token-0123456789'
  await using pair = await startPair({ env: { METRICS_TOKEN } })
  const { app, docServer } = pair
  await openedDocx(app)
  const status = async (as: string | null) => {
    const response = await app.fetch('/api/onlyoffice/status', { as })
    return response.status === 200 ? ((await response.json()) as object) : response.status
  }
  expect(await status(null)).toBe(401)
  expect(await status(app.token)).toEqual({ configured: true, emulated: false, healthy: true })
  for (const as of [ADMIN_TOKEN, METRICS_TOKEN]) {
    expect(await status(as)).toMatchObject({
      healthy: true,
      openDocuments: expect.any(Number),
      savesAtRisk: 0,
      saves: [],
      forgotten: [],
    })
  }
  docServer.faults.healthcheck()
  expect(await status(app.token)).toMatchObject({ healthy: false })
})
