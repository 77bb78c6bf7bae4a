import { expect, test } from 'vitest'
import { forcesaveTick } from '../../src/core/forcesave.ts'
import { startApp } from '../support/app.ts'
import { type Both, startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx } from '../support/files.ts'

async function startTimed(env: Record<string, string> = {}) {
  const clock = testClock()
  const both = await startBoth({ clock: clock.now, env: { ACCESS_TOKEN_S: '1000000', ...env } })
  return Object.assign(both, { clock })
}

async function session({ app, key }: Both) {
  return app.deps.database.selectFrom('sessions').selectAll().where('key', '=', key).executeTakeFirstOrThrow()
}

test('an open document is asked for every 30 seconds, not more often', async () => {
  await using both = await startTimed()
  const { app, clock } = both
  await both.open()

  expect(await forcesaveTick(app.deps)).toBe(0)
  clock.pass(31)
  expect(await forcesaveTick(app.deps)).toBe(1)
  expect(await forcesaveTick(app.deps)).toBe(0)
  clock.pass(20)
  expect(await forcesaveTick(app.deps)).toBe(0)
  clock.pass(15)
  expect(await forcesaveTick(app.deps)).toBe(1)
})

test('a restart goes on where the last process stopped', async () => {
  await using both = await startTimed()
  const { app, docServer, clock } = both
  const editor = await both.open()
  editor.type(0, 'typed')
  await app.close()

  await using again = await startApp({ docServer, dataDir: app.dataDir, overrides: { clock: clock.now } })
  clock.pass(40)
  expect(await forcesaveTick(again.deps)).toBe(1)
})

test('a config that nobody used is off the tick after two minutes', async () => {
  await using both = await startTimed()
  const { app, clock } = both

  clock.pass(60)
  expect(await forcesaveTick(app.deps)).toBe(1)
  clock.pass(90)
  await forcesaveTick(app.deps)
  expect((await session(both)).next_forcesave_at).toBeNull()
})

test('closing without changes and the final save take the session off the tick', async () => {
  await using both = await startTimed()
  const editor = await both.open()
  expect((await session(both)).next_forcesave_at).not.toBeNull()
  await editor.close()
  await both.docServer.settled()
  expect((await session(both)).next_forcesave_at).toBeNull()

  const second = await both.open()
  second.type(0, 'x')
  await second.close()
  await both.docServer.settled()
  expect((await session(both)).next_forcesave_at).toBeNull()
})

test('an empty list of users while a final save is on its way ends nothing', async () => {
  await using both = await startTimed()
  await both.open()
  await both.send({ status: 1, users: [] })
  expect((await session(both)).next_forcesave_at).not.toBeNull()
})

test('after an hour without a callback Document Server is asked whether anybody is there', async () => {
  await using both = await startTimed({ SESSION_IDLE_S: '3600' })
  const { app, docServer, clock } = both
  const editor = await both.open()
  clock.pass(4000)
  await forcesaveTick(app.deps)
  expect((await session(both)).next_forcesave_at).not.toBeNull()

  // It vanished without a word to us.
  docServer.faults.callbacks({ kind: 'drop', status: 4 }, 1)
  await editor.close()
  await docServer.settled()
  clock.pass(4000)
  await forcesaveTick(app.deps)
  const { next_forcesave_at, superseded_at } = await session(both)
  expect([next_forcesave_at, superseded_at]).toEqual([null, null])
  expect((await app.config(both.id)).document.key).toBe(both.key)
})

test('a superseded session that still has editors stays on the tick', async () => {
  await using both = await startTimed()
  const { app, docServer, id, clock } = both
  const editor = await both.open()
  const first = (await app.versions(id)).at(-1)
  await app.fetch(`/api/documents/${id}/versions/${first?.id}/restore`, { method: 'POST' })
  editor.type(0, 'goes on under the old key')

  clock.pass(40)
  expect(await forcesaveTick(app.deps)).toBe(1)
  await docServer.settled()
  expect((await app.versions(id)).map(({ kind }) => kind)).toContain('conflict')
})

test('a refused token is shown and not asked again for five minutes', async () => {
  await using both = await startTimed()
  const { app, docServer, clock } = both
  await both.open()
  docServer.faults.command({ kind: 'answer', error: 6 })
  clock.pass(40)
  expect(await forcesaveTick(app.deps)).toBe(1)
  clock.pass(60)
  expect(await forcesaveTick(app.deps)).toBe(0)
  clock.pass(300)
  expect(await forcesaveTick(app.deps)).toBe(1)
})

test('an unreachable Document Server costs a turn, not the session', async () => {
  await using both = await startTimed()
  const { app, docServer, clock } = both
  await both.open()
  docServer.faults.command({ kind: 'status', status: 500 })
  clock.pass(40)
  expect(await forcesaveTick(app.deps)).toBe(1)
  expect((await session(both)).next_forcesave_at).not.toBeNull()
})

test('sessions without a row at Document Server leave the tick, unless a page is just loading', async () => {
  await using both = await startTimed()
  const { app, clock, send, id } = both
  // A callback named somebody, then Document Server lost its memory.
  await send({ status: 1, users: ['ann'] })
  clock.pass(200)
  await app.config(id)
  clock.pass(40)
  await forcesaveTick(app.deps)
  expect((await session(both)).next_forcesave_at).not.toBeNull()
  clock.pass(130)
  await forcesaveTick(app.deps)
  expect((await session(both)).next_forcesave_at).toBeNull()
})

test('a refused forced save is asked for again and lands once', async () => {
  await using both = await startTimed({ DOWNLOAD_RETRY_S: '0' })
  const { app, docServer, id, clock } = both
  const editor = await both.open()
  editor.type(0, 'typed')
  docServer.faults.files({ kind: 'status', status: 500 }, 1)
  clock.pass(40)
  await forcesaveTick(app.deps)
  await docServer.settled()
  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['upload'])

  clock.pass(40)
  await forcesaveTick(app.deps)
  await docServer.settled()
  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['draft', 'upload'])
})

test('documents that nobody edits are never asked for', async () => {
  await using both = await startTimed()
  const id = await both.app.upload('viewed.docx', makeDocx(['x']))
  await both.app.config(id, '?mode=view')
  const row = await both.app.deps.database
    .selectFrom('sessions')
    .selectAll()
    .where('document_id', '=', id)
    .executeTakeFirstOrThrow()
  expect(row.next_forcesave_at).toBeNull()
})
