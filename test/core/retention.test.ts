import { expect, test } from 'vitest'
import { applyRetention, purgeTrash } from '../../src/core/retention.ts'
import { sweep } from '../../src/core/sweep.ts'
import { bearerWith } from '../docserver/support.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx } from '../support/files.ts'

const DAY_S = 24 * 3600

/** Tokens end meanwhile: whoever goes on gets another one. */
async function after(app: TestApp, clock: ReturnType<typeof testClock>, seconds: number) {
  clock.pass(seconds)
  return bearerWith(app, ['documents:read', 'documents:write'])
}

async function replace(app: TestApp, id: string, text: string, as = app.token) {
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(makeDocx([text]))]), 'new.docx')
  const { status } = await app.fetch(`/api/documents/${id}/content`, { method: 'PUT', body, as })
  expect(status).toBe(201)
}

async function numbersOf(app: TestApp, id: string): Promise<number[]> {
  const rows = await app.deps.database
    .selectFrom('versions')
    .select('number')
    .where('document_id', '=', id)
    .where('deleted_at', 'is', null)
    .orderBy('number')
    .execute()
  return rows.map(({ number }) => number)
}

test('old versions beyond the wanted number are given up, and their bytes go', async () => {
  const clock = testClock()
  await using app = await startApp({ env: { KEEP_VERSIONS: '2' }, overrides: { clock: clock.now } })
  const id = await app.upload('a.docx', makeDocx(['1']))
  for (const text of ['2', '3', '4']) await replace(app, id, text)
  const [, , , oldest] = await app.versions(id)
  clock.pass(1)

  expect(await applyRetention(app.deps)).toBe(2)

  expect((await app.versions(id)).map(({ versionNumber }) => versionNumber)).toEqual([4, 3])
  const gone = await app.fetch(`/api/documents/${id}/versions/${oldest?.id}/download`)
  expect([gone.status, ((await gone.json()) as { code: string }).code]).toEqual([404, 'version-not-found'])
  await after(app, clock, 2 * DAY_S)
  await sweep(app.deps, { pauseMs: 0 })
  const blobs = await Array.fromAsync(app.deps.blobs.list())
  expect(blobs).toHaveLength(2)
})

test('versions within the wanted days stay, however many', async () => {
  const clock = testClock()
  await using app = await startApp({
    env: { KEEP_VERSIONS: '1', KEEP_DAYS: '7' },
    overrides: { clock: clock.now },
  })
  const id = await app.upload('a.docx', makeDocx(['1']))
  const token = await after(app, clock, 5 * DAY_S)
  await replace(app, id, '2', token)
  await replace(app, id, '3', token)

  clock.pass(3 * DAY_S)
  expect(await applyRetention(app.deps)).toBe(1)
  expect(await numbersOf(app, id)).toEqual([2, 3])
})

test('without a wish nothing is given up', async () => {
  await using app = await startApp()
  const id = await app.upload('a.docx', makeDocx(['1']))
  await replace(app, id, '2')
  expect(await applyRetention(app.deps)).toBe(0)
})

test('the head and labelled versions stay, and numbers go on behind the gaps', async () => {
  const clock = testClock()
  await using app = await startApp({ env: { KEEP_DAYS: '1' }, overrides: { clock: clock.now } })
  const id = await app.upload('a.docx', makeDocx(['1']))
  for (const text of ['2', '3']) await replace(app, id, text)
  const second = (await app.versions(id)).find(({ versionNumber }) => versionNumber === 2)
  await app.fetch(`/api/documents/${id}/versions/${second?.id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: '{"label":"Signed"}',
  })

  const token = await after(app, clock, 400 * DAY_S)
  expect(await applyRetention(app.deps)).toBe(1)

  expect(await numbersOf(app, id)).toEqual([2, 3])
  await replace(app, id, '4', token)
  expect(await numbersOf(app, id)).toEqual([2, 3, 4])
})

test('what a session rests on, conflicts and what was recovered stay', async () => {
  const clock = testClock()
  await using both = await startBoth({ env: { KEEP_DAYS: '1' }, clock: clock.now })
  const { app, id } = both
  const editor = await both.open()
  editor.type(0, 'typed')
  await app.fetch(`/api/documents/${id}/save`, { method: 'POST' })
  // The late save of a session that a new head has superseded.
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(makeDocx(['new']))]), 'new.docx')
  await app.fetch(`/api/documents/${id}/content?force=true`, { method: 'PUT', body })
  await both.send({ status: 2, lastsave: clock.now().toISOString() }, makeDocx(['late']))
  const before = await numbersOf(app, id)

  clock.pass(10 * DAY_S)
  await applyRetention(app.deps)

  const kinds = await app.deps.database
    .selectFrom('versions')
    .select(['number', 'kind'])
    .where('document_id', '=', id)
    .where('deleted_at', 'is', null)
    .orderBy('number')
    .execute()
  expect(kinds.map(({ kind }) => kind)).toContain('conflict')
  // The first is the base of a session that a tab may still have open.
  expect(kinds[0]?.number).toBe(1)
  expect(before.length - kinds.length).toBeGreaterThanOrEqual(0)
})

test('the trash is emptied of what lay there long, with all its rows and bytes', async () => {
  const clock = testClock()
  await using app = await startApp({ env: { TRASH_DAYS: '30' }, overrides: { clock: clock.now } })
  const id = await app.upload('gone.docx', makeDocx(['gone']))
  const kept = await app.upload('kept.docx', makeDocx(['kept']))
  await replace(app, id, 'again')
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })

  clock.pass(29 * DAY_S)
  expect(await purgeTrash(app.deps)).toBe(0)
  const token = await after(app, clock, 2 * DAY_S)
  expect(await purgeTrash(app.deps)).toBe(1)

  expect(await numbersOf(app, id)).toEqual([])
  expect((await app.fetch(`/api/documents/${id}/undelete`, { method: 'POST', as: token })).status).toBe(404)
  await sweep(app.deps, { pauseMs: 0 })
  expect(await Array.fromAsync(app.deps.blobs.list())).toHaveLength(1)
  expect((await app.fetch(`/api/documents/${kept}`, { as: token })).status).toBe(200)
  const found = await app.fetch('/api/documents/trash?search=gone', { as: token })
  expect(await found.json()).toMatchObject({ totalCount: 0 })
})

test('with 0 days the trash is kept for ever', async () => {
  const clock = testClock()
  await using app = await startApp({ env: { TRASH_DAYS: '0' }, overrides: { clock: clock.now } })
  const id = await app.upload('gone.docx', makeDocx(['gone']))
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  clock.pass(4000 * DAY_S)
  expect(await purgeTrash(app.deps)).toBe(0)
})

test('a document in the trash whose last edits failed to arrive is not purged', async () => {
  const clock = testClock()
  await using both = await startBoth({ clock: clock.now })
  await both.send({ status: 3 })
  await both.app.fetch(`/api/documents/${both.id}`, { method: 'DELETE' })
  clock.pass(400 * DAY_S)
  expect(await purgeTrash(both.app.deps)).toBe(0)
})
