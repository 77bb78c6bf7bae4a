import { expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { PERMISSIONS } from '../../src/core/callers.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { etagOf } from './file-manager.ts'
import {
  deliver,
  edit,
  link,
  links,
  ORIGINAL,
  open,
  PATH,
  pageConfig,
  type Scene,
  startScene,
} from './scene.ts'

const CHANGED = makeDocx(['Changed by them', 'Two'])

async function clientToken({ both: { app } }: Scene): Promise<string> {
  const key = await createApiKey(app.deps, { name: 'Other', permissions: [...PERMISSIONS] })
  const response = await app.fetch('/api/auth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(key),
  })
  return ((await response.json()) as { token: string }).token
}

test('one call gives the address of a page that opens their file for the user', async () => {
  await using scene = await startScene()
  const { app } = scene.both
  const { status, json } = await link(scene, {
    user: { id: 'eve', name: 'Eve', group: 'Editors' },
    grants: ['view', 'comment'],
    folder: '/From elsewhere',
  })
  expect(status).toBe(201)
  expect(json.expiresAt).toBe('2026-11-22T08:00:00.000Z')
  const config = await pageConfig(app, json.url)
  expect(config.document).toMatchObject({ title: 'report.docx', permissions: { edit: false, comment: true } })
  expect(config.editorConfig?.user).toEqual({ id: 'eve', name: 'Eve', group: 'Editors' })
  expect(await app.download(json.documentId)).toEqual(ORIGINAL)
  expect(await (await app.fetch(`/api/documents/${json.documentId}`)).json()).toMatchObject({
    title: 'report',
    folder: '/From elsewhere',
    externalId: 'file-1',
  })
  scene.clock.pass(86_401)
  expect((await fetch(`${app.url}${new URL(json.url).pathname}`)).status).toBe(401)
})

test('two users who open one key are in one session, also when both come first', async () => {
  await using scene = await startScene()
  const [ann, bob] = await Promise.all([open(scene, 'ann'), open(scene, 'bob')])
  expect(bob).toMatchObject({ documentId: ann.documentId, key: ann.key })
  ann.editor.type(0, 'seen by both')
  expect(bob.editor.paragraphs()[0]).toBe('seen by both')
  expect(await links(scene.both)).toHaveLength(1)
})

test('what was changed where it is kept is what the next user sees, and is a version', async () => {
  await using scene = await startScene()
  const { app } = scene.both
  const { documentId } = (await link(scene)).json
  scene.manager.files.set(PATH, CHANGED)
  expect((await link(scene)).json.documentId).toBe(documentId)
  expect(await app.download(documentId)).toEqual(CHANGED)
  expect((await app.versions(documentId)).map(({ kind }) => kind)).toEqual(['upload', 'upload'])
  await deliver(app)
  expect(scene.manager.puts()).toEqual([])
})

test('unchanged bytes are not fetched again, and a known etag saves asking', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  await link(scene)
  manager.requests.length = 0
  await link(scene, { etag: etagOf(ORIGINAL) })
  await link(scene, { etag: etagOf(ORIGINAL).replaceAll('"', '') })
  expect(manager.requests).toEqual([])
  const { documentId } = (await link(scene, { etag: '"another"' })).json
  expect(manager.requests.map(({ headers }) => headers['if-none-match'])).toEqual([etagOf(ORIGINAL)])
  expect(await both.app.versions(documentId)).toHaveLength(1)
})

test('while somebody edits, whoever opens joins them, whatever was changed elsewhere', async () => {
  await using scene = await startScene()
  const ann = await open(scene, 'ann')
  ann.editor.type(0, 'not saved yet')
  scene.manager.files.set(PATH, CHANGED)
  const bob = await open(scene, 'bob')
  expect(bob.key).toBe(ann.key)
  expect(bob.editor.paragraphs()[0]).toBe('not saved yet')
})

test('edits that wait for their delivery are not hidden by what was changed elsewhere', async () => {
  await using scene = await startScene()
  const documentId = await edit(scene, 'waits')
  scene.manager.files.set(PATH, CHANGED)
  await link(scene)
  expect(docxParagraphs(await scene.both.app.download(documentId))[0]).toBe('waits')
  await deliver(scene.both.app)
  expect((await links(scene.both))[0]?.state).toBe('conflict')
})

test('without writeBack the file is for reading; a reader does not take the address of the editors', async () => {
  await using scene = await startScene()
  const { both, manager } = scene
  const { json } = await link(scene, { writeBack: undefined, grants: ['view', 'edit', 'print'] })
  expect((await pageConfig(both.app, json.url)).document.permissions).toMatchObject({
    edit: false,
    print: true,
    download: false,
  })
  const editing = await open(scene, 'ann')
  await link(scene, { writeBack: undefined })
  editing.editor.type(0, 'written back')
  await editing.editor.close()
  await both.docServer.settled()
  await deliver(both.app)
  expect(manager.puts()).toHaveLength(1)
})

test('a new name is the title from then on; another extension is refused', async () => {
  await using scene = await startScene()
  const { app } = scene.both
  const { documentId } = (await link(scene)).json
  await link(scene, { name: 'Renamed.docx' })
  expect(await (await app.fetch(`/api/documents/${documentId}`)).json()).toMatchObject({ title: 'Renamed' })
  expect((await link(scene, { name: 'report.xlsx' })).status).toBe(400)
})

test('a document that was deleted here comes back when its file is opened again', async () => {
  await using scene = await startScene()
  const { app } = scene.both
  const { documentId } = (await link(scene)).json
  await app.fetch(`/api/documents/${documentId}`, { method: 'DELETE' })
  const { json } = await link(scene)
  expect(json.documentId).toBe(documentId)
  expect((await app.fetch(`/api/documents/${documentId}`)).status).toBe(200)
})

test('the same key of another API key is another file, and its links are seen by nobody else', async () => {
  await using scene = await startScene()
  const { app } = scene.both
  const stranger = await clientToken(scene)
  const { documentId } = (await link(scene)).json
  const theirs = (await link(scene, {}, stranger)).json
  expect(theirs.documentId).not.toBe(documentId)
  expect((await links(scene.both)).map((one) => one.documentId)).toEqual([documentId])
  expect((await links(scene.both, '', stranger)).map((one) => one.documentId)).toEqual([theirs.documentId])
  expect(await links(scene.both, '', ADMIN_TOKEN)).toHaveLength(2)
  for (const [method, path] of [
    ['POST', `${documentId}/retry`],
    ['DELETE', documentId],
  ] as const) {
    const [foreign, unknown] = [
      await app.fetch(`/api/links/${path}`, { method, as: stranger }),
      await app.fetch(`/api/links/${path.replace(documentId, crypto.randomUUID())}`, {
        method,
        as: stranger,
      }),
    ]
    const code = expect.objectContaining({ code: 'link-not-found' })
    expect([foreign.status, await foreign.json()]).toEqual([404, code])
    expect([unknown.status, await unknown.json()]).toEqual([404, code])
  }
  const secretOf = async (as: string) => (await app.fetch('/api/links/secret', { as })).json()
  expect(await secretOf(app.token)).not.toEqual(await secretOf(stranger))
  expect((await app.fetch('/api/links/secret', { as: ADMIN_TOKEN })).status).toBe(403)
  expect((await link(scene, {}, ADMIN_TOKEN)).status).toBe(403)
})

test('no address of theirs lies readable in the database', async () => {
  await using scene = await startScene()
  await link(scene, { url: `${scene.manager.origin}${PATH}?token=read-secret` })
  const rows = await scene.both.app.deps.database.selectFrom('remote_files').selectAll().execute()
  expect(JSON.stringify(rows)).not.toMatch(/read-secret|write-secret/)
})
