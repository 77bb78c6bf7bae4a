import { expect, test } from 'vitest'
import { recoverForgotten } from '../../src/core/recovery.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx } from '../support/files.ts'
import { ALL, got, listening } from './listening.ts'
import { deliver, isSignedWith } from './support.ts'

test('a saved document is told of, signed as Standard Webhooks says', async () => {
  const clock = testClock()
  await using on = await listening(['document.saved'], { clock: clock.now })
  const { both, receiver, webhook } = on
  await both.send({ status: 6, forcesavetype: 1 }, makeDocx(['edited']))
  clock.pass(7)
  await deliver(both.app)

  const [one] = receiver.received
  if (one === undefined) throw new Error('nothing came')
  expect(receiver.received).toHaveLength(1)
  expect(isSignedWith(webhook.secret, one)).toBe(true)
  expect(one.headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'docs-connector',
    'webhook-timestamp': String(clock.now().getTime() / 1000),
  })
  const { workspace_id } = await both.app.deps.database
    .selectFrom('documents')
    .select('workspace_id')
    .executeTakeFirstOrThrow()
  expect(JSON.parse(one.text)).toEqual({
    type: 'document.saved',
    timestamp: '2026-11-21T08:00:00.000Z',
    data: {
      action: 'saved',
      documentId: both.id,
      workspaceId: workspace_id,
      actor: { id: 'ann', name: expect.any(String) },
      versionNumber: 2,
      outcome: 'cut',
      saveId: expect.any(String),
    },
  })
})

test('each kind of save is told of as what it became, one that changed nothing not at all', async () => {
  await using on = await listening(ALL)
  const { both, receiver } = on
  const lastsave = '2026-11-21T08:00:01.000Z'
  const draft = makeDocx(['draft'])
  await both.send({ status: 6, forcesavetype: 0, lastsave }, draft)
  await both.send({ status: 6, forcesavetype: 0, lastsave }, draft)
  await both.send({ status: 2, notmodified: true, lastsave }, draft)
  await both.send({ status: 6, forcesavetype: 1 }, makeDocx(['late']))
  expect(await got(both, receiver)).toMatchObject([
    { type: 'document.saved', outcome: 'draft', versionNumber: 2 },
    { type: 'document.saved', outcome: 'finalized', versionNumber: 2 },
    { type: 'document.conflict', outcome: 'conflict', versionNumber: 3 },
  ])
})

test('a save that failed and one that Document Server could not build are told of', async () => {
  await using on = await listening(['document.save_failed'], { env: { DOWNLOAD_RETRY_S: '0' } })
  const { both, receiver } = on
  expect(await both.send({ status: 2 }, Buffer.from('not a document'))).toBe(503)
  expect(await both.send({ status: 7, forcesavetype: 0 })).toBe(200)
  expect(await both.send({ status: 3 })).toBe(422)
  const events = await got(both, receiver)
  expect(events.map(({ error }) => error)).toEqual([
    'content-not-as-announced',
    'save-without-url',
    'save-without-url',
  ])
  expect(new Set(events.map(({ documentId }) => documentId))).toEqual(new Set([both.id]))
})

test('what a failed conversion left and what was forgotten is told of as recovered', async () => {
  await using on = await listening(['document.recovered', 'document.saved'])
  const { both, receiver } = on
  await both.send({ status: 7, forcesavetype: 0 }, makeDocx(['left over']))
  const file = { bytes: makeDocx(['forgotten']), fileType: 'docx', storedAt: new Date() }
  both.docServer.forgotten.set(both.key, file)
  await recoverForgotten(both.app.deps)
  expect(await got(both, receiver)).toMatchObject([
    { type: 'document.recovered', outcome: 'recovery' },
    { type: 'document.recovered', outcome: 'final', actor: { id: 'document-server' } },
  ])
})

test('opening is told of with its user and mode, once in five minutes for each user', async () => {
  const clock = testClock()
  await using on = await listening(['document.opened'], { clock: clock.now })
  const { both, receiver } = on
  const { app, id } = both
  const open = async (user: string, mode: string) => {
    await app.config(id, `?userId=${user}&userName=${user}&mode=${mode}`)
    // What is recorded beside the answer comes before this.
    await app.deps.commits.run(async () => {})
  }
  await open('ann', 'edit')
  await open('ann', 'edit')
  await open('bob', 'view')
  clock.pass(301)
  await open('ann', 'view')
  const events = await got(both, receiver)
  const told = events.map(({ actor, mode }) => ({ actor, mode }))
  expect(told).toHaveLength(3)
  expect(told).toEqual(
    expect.arrayContaining([
      { actor: { id: 'ann', name: 'ann' }, mode: 'edit' },
      { actor: { id: 'bob', name: 'bob' }, mode: 'view' },
      { actor: { id: 'ann', name: 'ann' }, mode: 'view' },
    ]),
  )
})

test('deleting, undeleting and restoring a version are told of', async () => {
  await using on = await listening(['document.deleted', 'document.restored'])
  const { both, receiver } = on
  const { app, id } = both
  const [version] = await app.versions(id)
  await app.fetch(`/api/documents/${id}`, { method: 'DELETE' })
  await app.fetch(`/api/documents/${id}/undelete`, { method: 'POST' })
  await app.fetch(`/api/documents/${id}/versions/${version?.id}/restore`, { method: 'POST' })
  const events = await got(both, receiver)
  expect(new Set(events.map(({ type, action }) => `${type} ${action}`))).toEqual(
    new Set(['document.deleted deleted', 'document.restored undeleted', 'document.restored restored']),
  )
})
