import { expect, test } from 'vitest'
import { forcesaveTick } from '../../src/core/forcesave.ts'
import type { TestApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

async function history(app: TestApp, id: string): Promise<[number, string, boolean][]> {
  const versions = await app.versions(id)
  return versions
    .map(({ versionNumber, kind, isCurrent }): [number, string, boolean] => [versionNumber, kind, isCurrent])
    .reverse()
}

const at = (second: number) => `2026-11-21T08:00:${String(second).padStart(2, '0')}.000Z`

test('upload, two automatic saves, one by the button and the close make two versions', async () => {
  const clock = testClock()
  await using both = await startBoth({ clock: clock.now })
  const { app, docServer, id } = both
  const editor = await both.open()

  for (const text of ['First', 'Second']) {
    await editor.type(0, text)
    clock.pass(60)
    expect(await forcesaveTick(app.deps)).toBe(1)
    await docServer.settled()
    expect(docxParagraphs(await app.download(id))).toEqual([text, 'Two'])
  }
  await editor.type(0, 'Third')
  await editor.save()
  await docServer.settled()
  await editor.close()
  await docServer.settled()

  expect(docServer.callbacks.map(({ status }) => status)).toEqual([1, 6, 6, 6, 2])
  expect(await history(app, id)).toEqual([
    [1, 'upload', false],
    [2, 'final', true],
  ])
  expect(docxParagraphs(await app.download(id))).toEqual(['Third', 'Two'])
})

test('a forced save keeps the key, a final save gives the next opening another one', async () => {
  await using both = await startBoth()
  const { app, id, key, send } = both

  expect(await send({ status: 6, forcesavetype: 0, lastsave: at(1) }, makeDocx(['draft']))).toBe(200)
  expect((await app.config(id)).document.key).toBe(key)
  expect(await send({ status: 2, lastsave: at(2) }, makeDocx(['final']))).toBe(200)
  expect((await app.config(id)).document.key).not.toBe(key)
})

test('a late opener gets the newest stored content under the same key', async () => {
  await using both = await startBoth()
  const { app, id, key, send } = both
  await send({ status: 6, forcesavetype: 0, lastsave: at(1) }, makeDocx(['typed so far']))

  const { document } = await app.config(id)

  expect(document.key).toBe(key)
  const bytes = Buffer.from(await (await fetch(document.url)).arrayBuffer())
  expect(docxParagraphs(bytes)).toEqual(['typed so far'])
})

test('an undo back to an earlier content is stored, not taken for a duplicate', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  const [a, b] = [makeDocx(['A']), makeDocx(['B'])]

  await send({ status: 6, forcesavetype: 0, lastsave: at(1) }, a)
  await send({ status: 6, forcesavetype: 0, lastsave: at(2) }, b)
  await send({ status: 6, forcesavetype: 0, lastsave: at(3) }, a)
  expect(await app.download(id)).toEqual(a)

  await send({ status: 6, forcesavetype: 0, lastsave: at(4) }, b)
  await send({ status: 2, lastsave: at(5) }, a)
  expect(await app.download(id)).toEqual(a)
  expect(await history(app, id)).toEqual([
    [1, 'upload', false],
    [2, 'final', true],
  ])
})

test('a final save that brings the base content back is a version of its own', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  const base = await app.download(id)

  expect(await send({ status: 2, lastsave: at(1) }, base)).toBe(200)

  expect(await history(app, id)).toEqual([
    [1, 'upload', false],
    [2, 'final', true],
  ])
})

test('six equal callbacks at once make one version', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  const bytes = makeDocx(['once'])

  const answers = await Promise.all(
    Array.from({ length: 6 }, () => send({ status: 2, lastsave: at(1) }, bytes)),
  )

  expect(answers).toEqual([200, 200, 200, 200, 200, 200])
  expect(await history(app, id)).toEqual([
    [1, 'upload', false],
    [2, 'final', true],
  ])
})

test('a forced save that arrives after the final one never becomes the head', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  const final = makeDocx(['final'])
  await send({ status: 2, lastsave: at(5) }, final)

  expect(await send({ status: 6, forcesavetype: 0, lastsave: at(9) }, makeDocx(['late']))).toBe(200)
  expect(await app.download(id)).toEqual(final)
  expect(await history(app, id)).toEqual([
    [1, 'upload', false],
    [2, 'final', true],
    [3, 'conflict', false],
  ])
})

test('a forced save of an earlier state does not move the draft back, and its bytes are kept', async () => {
  await using both = await startBoth()
  const { app, id, key, send } = both
  const newer = makeDocx(['newer'])
  await send({ status: 6, forcesavetype: 0, lastsave: at(9) }, newer)

  expect(await send({ status: 6, forcesavetype: 0, lastsave: at(3) }, makeDocx(['older']))).toBe(200)

  expect(await app.download(id)).toEqual(newer)
  const saves = await app.deps.database.selectFrom('saves').selectAll().where('key', '=', key).execute()
  const outdated = saves.find(({ outcome }) => outcome === 'outdated')
  await using kept = await app.deps.blobs.open(outdated?.sha256 ?? '')
  expect(docxParagraphs(await kept.read(0, kept.size))).toEqual(['older'])
})

test('a 4 leaves the key usable, and a 2 under it is stored as ever', async () => {
  await using both = await startBoth()
  const { app, id, key, send } = both

  expect(await send({ status: 4, users: undefined })).toBe(200)
  expect((await app.config(id)).document.key).toBe(key)
  expect(await send({ status: 2, lastsave: at(1) }, makeDocx(['after the 4']))).toBe(200)
  expect(docxParagraphs(await app.download(id))).toEqual(['after the 4'])
})

test('all saves of a superseded key go to its one conflict version', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  await send({ status: 2, lastsave: at(1) }, makeDocx(['final']))

  await send({ status: 6, forcesavetype: 1, lastsave: at(3) }, makeDocx(['apart 1']))
  await send({ status: 2, lastsave: at(4) }, makeDocx(['apart 2']))

  expect(await history(app, id)).toEqual([
    [1, 'upload', false],
    [2, 'final', true],
    [3, 'conflict', false],
  ])
})

test('what a failed conversion left is kept beside the head', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  const before = await app.download(id)

  expect(await send({ status: 3, lastsave: at(1) }, makeDocx(['half']))).toBe(200)
  expect(await send({ status: 7, lastsave: at(2), forcesavetype: 0 }, makeDocx(['half again']))).toBe(200)

  expect(await app.download(id)).toEqual(before)
  expect((await history(app, id)).map(([, kind]) => kind)).toEqual(['upload', 'recovery'])
})

test('a final save of another type keeps its bytes and moves the extension of the document', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  const text = Buffer.from('only text')

  expect(await send({ status: 2, lastsave: at(1), filetype: 'txt' }, text)).toBe(200)

  expect(await app.download(id)).toEqual(text)
  const document = (await (await app.fetch(`/api/documents/${id}`)).json()) as {
    format: string
    title: string
  }
  expect([document.title, document.format]).toEqual(['report', 'TXT'])
})

test('saves of a deleted document are stored', async () => {
  await using both = await startBoth()
  const { app, id, send } = both
  const deleted = { deleted_at: '2026-11-21T08:00:00.000Z' }
  await app.deps.database.updateTable('documents').set(deleted).where('id', '=', id).execute()

  expect(await send({ status: 2, lastsave: at(1) }, makeDocx(['too late?']))).toBe(200)

  await app.deps.database.updateTable('documents').set({ deleted_at: null }).where('id', '=', id).execute()
  expect(docxParagraphs(await app.download(id))).toEqual(['too late?'])
})

test('changes and history stand beside final versions, and the save does not depend on them', async () => {
  await using both = await startBoth()
  const { app, docServer, id, send } = both
  const history = {
    serverVersion: '9.0.0',
    changes: [{ created: '2026-11-21 08:00:01', user: { id: 'ann', name: 'Ann A.' } }],
  }
  const changesurl = docServer.fileUrl(Buffer.from('PK changes'), 'changes.zip')

  expect(
    await send(
      { status: 6, forcesavetype: 1, lastsave: at(1), changesurl: `${docServer.url}/nowhere`, history },
      makeDocx(['a']),
    ),
  ).toBe(200)
  expect(await send({ status: 2, lastsave: at(2), changesurl, history }, makeDocx(['b']))).toBe(200)

  const rows = await app.deps.database
    .selectFrom('versions')
    .selectAll()
    .where('document_id', '=', id)
    .orderBy('number')
    .execute()
  expect(
    rows.map(({ kind, changes_sha256, author_name }) => [kind, changes_sha256 !== null, author_name]),
  ).toEqual([
    ['upload', false, 'Tests'],
    ['cut', false, 'Ann A.'],
    ['final', true, 'Ann A.'],
  ])
  expect(JSON.parse(rows[2]?.history ?? '')).toEqual(history)
})

test('with notmodified the final save adds nothing but its changes', async () => {
  await using both = await startBoth()
  const { app, docServer, id, send } = both
  await send({ status: 6, forcesavetype: 0, lastsave: at(1) }, makeDocx(['stored']))
  const changesurl = docServer.fileUrl(Buffer.from('PK changes'), 'changes.zip')

  const answer = await send({
    status: 2,
    notmodified: true,
    lastsave: at(1),
    changesurl,
    url: `${docServer.url}/gone`,
  })

  expect(answer).toBe(200)
  expect(docxParagraphs(await app.download(id))).toEqual(['stored'])
  const row = await app.deps.database
    .selectFrom('versions')
    .selectAll()
    .where('number', '=', 2)
    .executeTakeFirstOrThrow()
  expect([row.kind, row.changes_sha256 !== null]).toEqual(['final', true])
})
