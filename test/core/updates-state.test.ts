import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { startEpoch } from '../../src/core/updates/updates.ts'
import { replaceBySnapshot } from '../../src/metadata/updates.ts'
import { isScaled } from '../support/scale.ts'
import { expectProblem, logLength, openLog, sharedText, textOf, toldNumbers, typed } from './updates-log.ts'

async function compact(log: Awaited<ReturnType<typeof openLog>>, documentId: string): Promise<void> {
  log.updates.compactSoon(documentId)
  await log.updates.idle()
}

test('a compacted log is served from its snapshot, also after a restart', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  for (const update of typed('one', ' two', ' three')) await log.append(documentId, update)

  await compact(log, documentId)

  expect(await logLength(log, documentId)).toBe(0)
  await log.reopen()
  expect(await sharedText(log, documentId)).toBe('one two three')
  const { stateVector } = await log.updates.state(documentId)
  expect([...Y.decodeStateVector(stateVector).values()]).toEqual(['one two three'.length])
  await compact(log, documentId)
  expect(await log.updates.state(documentId)).toMatchObject({ seq: 3 })
})

test('a long log is compacted by itself, and its counters with it', async () => {
  await using log = await openLog({ compactedUpdates: 100 })
  const documentId = await log.newDocument()
  const updates = typed(...Array.from({ length: 250 }, () => 'x'))

  for (let at = 0; at < updates.length; at += 50) {
    await Promise.all(updates.slice(at, at + 50).map((update) => log.append(documentId, update)))
    await log.updates.idle()
  }

  const state = await log.database.selectFrom('shared_states').selectAll().executeTakeFirstOrThrow()
  expect(state).toMatchObject({ last_seq: 250, snapshot_seq: 200, log_updates: 50 })
  const rows = await log.database.selectFrom('updates').select('data').execute()
  expect(state.log_bytes).toBe(rows.reduce((sum, { data }) => sum + data.byteLength, 0))
  expect(await sharedText(log, documentId)).toBe('x'.repeat(250))
})

test('an update that came before what it builds on survives compaction and waits for it', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const text = doc.getText('body')
  text.insert(0, 'first ')
  text.insert(6, 'second ')
  text.insert(13, 'third')
  text.delete(6, 7)
  const [a, b, c, deletion] = updates as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]

  await log.append(documentId, deletion)
  await log.append(documentId, c)
  await compact(log, documentId)
  expect(await logLength(log, documentId)).toBe(0)
  await log.append(documentId, b)
  await compact(log, documentId)
  expect(await sharedText(log, documentId)).toBe('')
  await log.append(documentId, a)

  expect(await sharedText(log, documentId)).toBe('first third')
  await compact(log, documentId)
  expect(await sharedText(log, documentId)).toBe('first third')
})

test('thousands of updates that all wait for an earlier one are merged all the same', async () => {
  await using log = await openLog({ compactedUpdates: 1_000_000, timeLimitMs: 30_000 })
  const documentId = await log.newDocument()
  const [missing = new Uint8Array(), ...updates] = typed(...Array.from({ length: 5000 }, () => 'x'))

  await Promise.all(updates.map((update) => log.append(documentId, update)))
  expect(await sharedText(log, documentId)).toBe('')
  await log.append(documentId, missing)
  expect(await sharedText(log, documentId)).toBe('x'.repeat(5000))
})

test('somebody who has most of it gets only the rest', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [long = new Uint8Array(), end = new Uint8Array()] = typed('x'.repeat(50_000), 'end')
  await log.append(documentId, long)
  const { stateVector } = await log.updates.state(documentId)
  await log.append(documentId, end)

  const { update, seq } = await log.updates.state(documentId, stateVector)

  expect(seq).toBe(2)
  expect(update.byteLength).toBeLessThan(100)
  expect(textOf(long, update)).toBe(`${'x'.repeat(50_000)}end`)
  const nothing = await log.updates.state(documentId, (await log.updates.state(documentId)).stateVector)
  expect([...nothing.update]).toEqual([0, 0])
})

test('of a small document, too, only the rest is given', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [start = new Uint8Array(), end = new Uint8Array()] = typed('start', 'end')
  await log.append(documentId, start)
  const { stateVector } = await log.updates.state(documentId)
  await log.append(documentId, end)

  const { update } = await log.updates.state(documentId, stateVector)
  expect(textOf(update)).toBe('')
  expect(textOf(start, update)).toBe('startend')
})

test('a state vector that cannot be read is refused', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  await expectProblem(log.updates.state(documentId, new Uint8Array([5, 1])), 'update-invalid')
  await expectProblem(log.updates.state(documentId, new Uint8Array(2_000_000)), 'update-invalid')
})

test('a gap is filled from the log while the log holds it', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const updates = typed(...'abcde')
  await Promise.all(updates.slice(0, 3).map((update) => log.append(documentId, update)))
  await log.append(documentId, updates[3] ?? new Uint8Array())

  const gap = await log.updates.since(documentId, 1, 1)
  expect(gap?.map(({ seq }) => seq)).toEqual([2, 3, 4])
  expect(textOf(updates[0] ?? new Uint8Array(), ...(gap ?? []).map(({ update }) => update))).toBe('abcd')
  expect(await log.updates.since(documentId, 1, 4)).toEqual([])

  await compact(log, documentId)
  await log.append(documentId, updates[4] ?? new Uint8Array())
  expect(await log.updates.since(documentId, 1, 3)).toBeUndefined()
  expect((await log.updates.since(documentId, 1, 4))?.map(({ seq }) => seq)).toEqual([5])
})

test('compaction that fails leaves the log and is left alone for a while', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  for (const update of typed('a', 'b')) await log.append(documentId, update)
  const { database } = log
  const run = (sql: string) => database.executeQuery({ ...database.selectNoFrom([]).compile(), sql })
  if (isScaled) {
    await run(`create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'full'; end $$`)
    await run(`create trigger no_room before update of snapshot on shared_states
      execute function refuse()`)
  } else {
    await run(`create trigger no_room before update of snapshot on shared_states
      begin select raise(abort, 'full'); end`)
  }

  await compact(log, documentId)
  await run(`drop trigger no_room ${isScaled ? 'on shared_states' : ''}`)
  await compact(log, documentId)

  expect(log.lines).toMatchObject([{ msg: 'the log of shared updates was not compacted' }])
  expect(await logLength(log, documentId)).toBe(2)
  await log.reopen()
  await compact(log, documentId)
  expect(await logLength(log, documentId)).toBe(0)
  expect(await sharedText(log, documentId)).toBe('ab')
})

test('a snapshot that comes late replaces no newer one, nor anything of an ended epoch', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [a = new Uint8Array(), b = new Uint8Array(), c = new Uint8Array()] = typed('a', 'b', 'c')
  await log.append(documentId, a)
  const { seq, update, stateVector: vector } = await log.updates.state(documentId)
  await log.append(documentId, b)
  await compact(log, documentId)
  const put = (late: number) =>
    log.database
      .transaction()
      .execute((tx) => replaceBySnapshot(tx, { documentId, epoch: 1, seq: late, update, vector }))

  await put(seq)
  expect(await sharedText(log, documentId)).toBe('ab')

  await log.append(documentId, c)
  await log.database.transaction().execute((tx) => startEpoch(tx, documentId, '2026-11-21T08:00:00.000Z'))
  await put(3)
  expect(await logLength(log, documentId)).toBe(1)
})

const Step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('insert' as const), by: fc.nat(2), at: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('delete' as const), by: fc.nat(2), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('set' as const), by: fc.nat(2), at: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('sync' as const), by: fc.nat(2), at: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('append' as const), by: fc.nat(2), at: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('compact' as const), by: fc.nat(2), at: fc.nat() }) },
)

test('whatever people do and in whatever order it arrives, the state is what all of them made', async () => {
  await using log = await openLog({ compactedUpdates: 20 })
  await fc.assert(
    fc.asyncProperty(fc.array(Step, { maxLength: 80 }), async (steps) => {
      const documentId = await log.newDocument()
      const heard = log.listen(documentId)
      const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()] as const
      const unsent: Uint8Array[] = []
      for (const doc of docs)
        doc.on('update', (update: Uint8Array, origin: unknown) => {
          if (origin !== 'sync') unsent.push(update)
        })
      const appended: Promise<number>[] = []
      const send = (place: number) => {
        for (const update of unsent.splice(place % (unsent.length || 1), 1))
          appended.push(log.append(documentId, update))
      }
      for (const { act, by, at } of steps) {
        const doc = docs[by] ?? docs[0]
        const text = doc.getText('body')
        if (act === 'insert') text.insert(at % (text.length + 1), `${at % 100}`)
        if (act === 'delete' && text.length > 0) text.delete(at % text.length, 1)
        if (act === 'set') doc.getMap('cells').set(`${at % 3}`, { value: at })
        if (act === 'sync') Y.applyUpdate(docs[at % 3] ?? docs[0], Y.encodeStateAsUpdate(doc), 'sync')
        if (act === 'append') send(at)
        if (act === 'compact') log.updates.compactSoon(documentId)
        if (act === 'compact' && at % 2 === 0) await log.updates.idle()
      }
      while (unsent.length > 0) send(steps.length)
      const numbers = await Promise.all(appended)

      const all = new Y.Doc()
      for (const doc of docs) Y.applyUpdate(all, Y.encodeStateAsUpdate(doc))
      const stored = new Y.Doc()
      Y.applyUpdate(stored, (await log.updates.state(documentId)).update)
      expect(stored.getText('body').toString()).toBe(all.getText('body').toString())
      expect(stored.getMap('cells').toJSON()).toEqual(all.getMap('cells').toJSON())
      expect(Y.encodeStateVector(stored)).toEqual(Y.encodeStateVector(all))
      expect(numbers).toEqual(numbers.map((_number, index) => index + 1))
      expect(toldNumbers(heard)).toEqual(numbers)
    }),
    { numRuns: 60 },
  )
})
