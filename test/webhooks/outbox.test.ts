import { expect, test } from 'vitest'
import { recordActivity } from '../../src/core/activity.ts'
import { makeDocx } from '../support/files.ts'
import { ALL, got, listening } from './listening.ts'
import { deliver } from './support.ts'

test('a submitted form may be subscribed to, and is told of once it is recorded', async () => {
  await using on = await listening(['document.form_submitted'])
  const { both, receiver } = on
  const { app, id } = both
  await app.deps.commits.run(async (tx) => {
    const { workspace_id: workspaceId } = await tx
      .selectFrom('documents')
      .select('workspace_id')
      .executeTakeFirstOrThrow()
    const actor = { id: 'ann', name: 'Ann' }
    const at = new Date().toISOString()
    await recordActivity(tx, { workspaceId, documentId: id, actor, action: 'form-submitted', at })
  })
  expect(await got(both, receiver)).toMatchObject([{ type: 'document.form_submitted', documentId: id }])
})

test('only what was asked for is sent, and only for the own workspace', async () => {
  await using on = await listening(['document.deleted'])
  const { both, receiver } = on
  await both.send({ status: 2 }, makeDocx(['edited']))
  await both.app.deps.commits.run(async (tx) => {
    const actor = { id: 'x', name: 'X' }
    const at = new Date().toISOString()
    const workspaceId = crypto.randomUUID()
    await recordActivity(tx, { workspaceId, documentId: crypto.randomUUID(), actor, action: 'deleted', at })
  })
  expect(await got(both, receiver)).toEqual([])
})

test('what is undone is neither recorded nor sent', async () => {
  await using on = await listening(ALL)
  const { both, receiver } = on
  const { app, id } = both
  const undone = app.deps.database.transaction().execute(async (tx) => {
    const { workspace_id: workspaceId } = await tx
      .selectFrom('documents')
      .select('workspace_id')
      .executeTakeFirstOrThrow()
    const actor = { id: 'x', name: 'X' }
    await recordActivity(tx, {
      workspaceId,
      documentId: id,
      actor,
      action: 'deleted',
      at: new Date().toISOString(),
    })
    throw new Error('undone')
  })
  await expect(undone).rejects.toThrow('undone')
  expect(await got(both, receiver)).toEqual([])
})

test('a detail of any length makes an event of at most 16 KiB', async () => {
  await using on = await listening(ALL)
  const { both, receiver } = on
  await both.app.deps.database.transaction().execute(async (tx) => {
    const { workspace_id: workspaceId } = await tx
      .selectFrom('documents')
      .select('workspace_id')
      .executeTakeFirstOrThrow()
    const actor = { id: '\u0000'.repeat(10_000), name: '\u{1f600}'.repeat(10_000) }
    const detail = { text: '\u0000'.repeat(10_000) }
    const at = new Date().toISOString()
    await recordActivity(tx, { workspaceId, documentId: both.id, actor, action: 'deleted', at, detail })
  })
  await deliver(both.app)
  expect(receiver.received).toHaveLength(1)
  expect(Buffer.byteLength(receiver.received[0]?.text ?? '')).toBeLessThan(16 * 1024)
})
