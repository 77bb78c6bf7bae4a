import jwt from 'jsonwebtoken'
import { expect, test } from 'vitest'
import type { EmulatedEditor } from '../../src/emulator/editor.ts'
import { undecidedVersions } from '../../src/metadata/kept-versions.ts'
import { type Both, startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

async function restoreFirst({ app, id }: Both): Promise<Response> {
  const first = (await app.versions(id)).at(-1)
  return app.fetch(`/api/documents/${id}/versions/${first?.id}/restore`, { method: 'POST' })
}

async function kinds({ app, id }: Both): Promise<string[]> {
  return (await app.versions(id)).map(({ kind, isCurrent }) => (isCurrent ? `${kind}*` : kind)).reverse()
}

/** What the page does when it hears `head-changed`. */
async function refresh({ app, id }: Both, editor: EmulatedEditor, query = ''): Promise<void> {
  await editor.refreshFile(await app.config(id, `?userId=ann&userName=ann${query}`))
}

async function contentOf({ app, id }: Both, kind: string): Promise<string[]> {
  const row = await app.deps.database
    .selectFrom('versions')
    .selectAll()
    .where('document_id', '=', id)
    .where('kind', '=', kind as 'cut')
    .executeTakeFirstOrThrow()
  await using bytes = await app.deps.blobs.open(row.sha256)
  return docxParagraphs(await bytes.read(0, bytes.size))
}

test('restoring while somebody types keeps the typed text as a version and shows the restored head', async () => {
  await using both = await startBoth()
  const { app, docServer, key } = both
  const editor = await both.open()
  const heard: unknown[] = []
  app.deps.events.subscribe(both.id, (event) => heard.push(event.type))
  editor.type(0, 'typed just now')

  expect((await restoreFirst(both)).status).toBe(200)
  expect(heard).toContain('head-changed')
  await refresh(both, editor)
  await docServer.settled()

  expect(await kinds(both)).toEqual(['upload', 'cut', 'restored*'])
  expect(await contentOf(both, 'cut')).toEqual(['typed just now', 'Two'])
  expect(editor.paragraphs()).toEqual(['One', 'Two'])
  expect((await app.config(both.id)).document.key).not.toBe(key)
  editor.type(1, 'goes on')
  await editor.close()
  await docServer.settled()
  expect(await kinds(both)).toEqual(['upload', 'cut', 'restored', 'final*'])
})

test('an editor that is not refreshed goes on under the old key, and its saves become one conflict version', async () => {
  await using both = await startBoth()
  const { docServer } = both
  const editor = await both.open()
  editor.type(0, 'before')
  await restoreFirst(both)

  editor.type(0, 'after 1')
  await editor.save()
  editor.type(0, 'after 2')
  await editor.close()
  await docServer.settled()

  expect(await kinds(both)).toEqual(['upload', 'cut', 'restored*', 'conflict'])
  expect(await contentOf(both, 'conflict')).toEqual(['after 2', 'Two'])
})

/** Gives the latest version of a kind a name. */
async function label({ app, id }: Both, kind: string): Promise<void> {
  const version = (await app.versions(id)).find((it) => it.kind === kind)
  const response = await app.fetch(`/api/documents/${id}/versions/${version?.id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ label: 'as agreed' }),
  })
  expect(response.status).toBe(200)
}

test('what somebody has named stays as it is: later saves of its session make another version', async () => {
  await using both = await startBoth()
  const { app, docServer } = both
  const editor = await both.open()
  editor.type(0, 'agreed')
  await docServer.timerSave(both.key)
  await label(both, 'draft')
  editor.type(0, 'later')
  await docServer.timerSave(both.key)
  expect(await kinds(both)).toEqual(['upload', 'cut', 'draft*'])
  expect(await contentOf(both, 'cut')).toEqual(['agreed', 'Two'])

  await restoreFirst(both)
  editor.type(0, 'beside')
  await editor.save()
  await label(both, 'conflict')
  editor.type(0, 'beside, later')
  await editor.close()
  await docServer.settled()
  expect(await kinds(both)).toEqual(['upload', 'cut', 'cut', 'restored*', 'conflict', 'conflict'])
  const undecided = await undecidedVersions(app.deps.database, 10)
  expect(undecided.map(({ number }) => number)).toEqual([6])
})

test('unsaved text of strict mode survives a restore as a conflict version when its user saves', async () => {
  await using both = await startBoth()
  const { app, docServer, id } = both
  const config = await app.config(id, '?userId=ann&userName=ann')
  const editor = await docServer.open(strict(both, config))
  editor.type(0, 'only in my tab')

  // Document Server answers 4: it has nothing of what the tab holds.
  await restoreFirst(both)
  expect(docServer.callbacks.some(({ status }) => status === 6)).toBe(false)
  expect(editor.hasUnsavedText).toBe(true)

  await editor.save()
  await docServer.settled()
  expect(await kinds(both)).toEqual(['upload', 'restored*', 'conflict'])
  expect(await contentOf(both, 'conflict')).toEqual(['only in my tab', 'Two'])
})

test('refreshing or dropping a strict editor discards what its tab holds: that is why nobody is dropped', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key } = both
  const editor = await docServer.open(strict(both, await app.config(id, '?userId=ann&userName=ann')))
  editor.type(0, 'only in my tab')
  expect(await app.deps.docServer?.forcesave(key)).toBe(4)

  await restoreFirst(both)
  await editor.refreshFile(strict(both, await app.config(id, '?userId=ann&userName=ann')))
  await docServer.settled()

  expect(editor.paragraphs()).toEqual(['One', 'Two'])
  expect(await kinds(both)).toEqual(['upload', 'restored*'])
})

test('uploading a new version under an open editor keeps both', async () => {
  await using both = await startBoth()
  const { app, docServer, id } = both
  const editor = await both.open()
  editor.type(0, 'typed')
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['uploaded']))]), 'other-name.docx')

  const response = await app.fetch(`/api/documents/${id}/content?force=true`, { method: 'PUT', body: form })
  await editor.close()
  await docServer.settled()

  expect(response.status).toBe(201)
  // Its close brings nothing new: what was typed is a version already.
  expect(await kinds(both)).toEqual(['upload', 'cut', 'upload*'])
  expect(docxParagraphs(await app.download(id))).toEqual(['uploaded'])
  expect(await contentOf(both, 'cut')).toEqual(['typed', 'Two'])
})

test('a restore takes place although Document Server is down', async () => {
  await using both = await startBoth()
  const editor = await both.open()
  editor.type(0, 'typed')
  await editor.save()
  await both.docServer.close()

  expect((await restoreFirst(both)).status).toBe(200)
  expect(await kinds(both)).toEqual(['upload', 'cut', 'restored*'])
})

/** The same config with strict co-editing, signed anew. */
function strict({ docServer }: Both, config: Awaited<ReturnType<Both['app']['config']>>) {
  const { token: _, ...unsigned } = config
  const strictConfig = {
    ...unsigned,
    editorConfig: { ...unsigned.editorConfig, coEditing: { mode: 'strict', change: true } },
  }
  return { ...strictConfig, token: jwt.sign(strictConfig, docServer.secret) }
}
