import { expect, test } from 'vitest'
import { pruneEpochs, startEpoch } from '../../src/core/updates/updates.ts'
import { updateDocument } from '../../src/metadata/documents.ts'
import { eraseDocument } from '../../src/metadata/retention.ts'
import { FaultyCalls } from '../support/faulty-calls.ts'
import { faultyDialect } from '../support/faulty-dialect.ts'
import {
  expectProblem,
  logLength,
  openLog,
  sharedText,
  textOf,
  toldNumbers,
  typed,
  type UpdatesLog,
} from './updates-log.ts'

const newEpoch = (log: UpdatesLog, documentId: string) =>
  log.database.transaction().execute((tx) => startEpoch(tx, documentId, log.clock.now().toISOString()))

test('what people shared is there after a restart, and goes on under the next number', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [hello, world, more] = typed('hello', ' world', '!')

  expect(await log.append(documentId, hello ?? new Uint8Array())).toBe(1)
  expect(await log.append(documentId, world ?? new Uint8Array())).toBe(2)
  await log.reopen()

  expect(await log.append(documentId, more ?? new Uint8Array())).toBe(3)
  expect(await sharedText(log, documentId)).toBe('hello world!')
  await log.updates.idle()
  await log.reopen()
  expect(await log.updates.state(documentId)).toMatchObject({ epoch: 1, seq: 3 })
})

test('a document that nobody shared has an empty state, and asking makes nothing', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()

  expect(await log.updates.positionOf(documentId)).toMatchObject({ epoch: 1 })
  const state = await log.updates.state(documentId)
  expect(state).toMatchObject({ epoch: 1, seq: 0 })
  expect(textOf(state.update)).toBe('')
  expect(await log.updates.since(documentId, 1, 0)).toEqual([])
  expect(await log.database.selectFrom('shared_states').selectAll().execute()).toEqual([])
})

test('many writers get numbers without a gap, in the order of their calls, and rooms hear them so', async () => {
  await using log = await openLog()
  const documents = await Promise.all(Array.from({ length: 4 }, () => log.newDocument()))
  const heard = documents.map((documentId) => log.listen(documentId))
  const texts = Array.from({ length: 3000 }, (_, n) => `${n},`)
  const updates = typed(...texts)

  const numbers = await Promise.all(
    updates.flatMap((update) => documents.map((documentId) => log.append(documentId, update))),
  )

  const expected = updates.map((_update, index) => index + 1)
  for (const [place, documentId] of documents.entries()) {
    expect(numbers.filter((_number, index) => index % documents.length === place)).toEqual(expected)
    expect(toldNumbers(heard[place] ?? [])).toEqual(expected)
    expect(await sharedText(log, documentId)).toBe(texts.join(''))
  }
})

test('a room is told who sent what, after it was stored', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [update = new Uint8Array()] = typed('hello')
  const stored: Promise<number>[] = []
  const heard = log.listen(documentId)
  log.events.onRoom(documentId, () => stored.push(logLength(log, documentId)))

  await log.append(documentId, update)

  const base64 = Buffer.from(update).toString('base64')
  expect(heard).toEqual([{ kind: 'updates', epoch: 1, seq: 1, updates: [['connection', base64]] }])
  expect(await Promise.all(stored)).toEqual([1])
})

test('a backplane that fails makes no stored update a failed one', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  log.events.tellRoom = () => Promise.reject(new Error('no backplane'))

  expect(await Promise.all(typed('a', 'b').map((update) => log.append(documentId, update)))).toEqual([1, 2])
  expect(await sharedText(log, documentId)).toBe('ab')
  expect(log.lines).toMatchObject([{ msg: 'stored updates were not relayed' }])
})

test('the state holds what was appended before it was asked for', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const updates = typed(...'abcdefghij')
  const appended: Promise<number>[] = []
  const states = updates.map((update) => {
    appended.push(log.append(documentId, update))
    return sharedText(log, documentId)
  })

  for (const [index, text] of (await Promise.all(states)).entries())
    expect(text.startsWith('abcdefghij'.slice(0, index + 1))).toBe(true)
  await Promise.all(appended)
})

test('an epoch that ended takes nothing more, the next one begins empty', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [old, late, fresh] = [...typed('old', ' late'), ...typed('fresh')]
  await log.append(documentId, old ?? new Uint8Array())

  expect(await newEpoch(log, documentId)).toBe(2)

  expect(await log.updates.positionOf(documentId)).toEqual({ epoch: 2, seq: 0 })
  await expectProblem(log.append(documentId, late ?? new Uint8Array(), 1), 'document-restored')
  await expectProblem(log.append(documentId, late ?? new Uint8Array(), 3), 'document-restored')
  expect(await log.append(documentId, fresh ?? new Uint8Array(), 2)).toBe(1)
  expect(await sharedText(log, documentId)).toBe('fresh')
  expect(await log.updates.since(documentId, 1, 0)).toBeUndefined()
})

test('when nothing was shared a new epoch begins all the same, for those who joined the first', async () => {
  await using log = await openLog()
  const [documentId, other] = [await log.newDocument(), await log.newDocument()]
  const [a = new Uint8Array(), b = new Uint8Array()] = typed('a', 'b')
  await log.append(other, a)

  expect(await newEpoch(log, documentId)).toBe(2)
  await expectProblem(log.append(documentId, a, 1), 'document-restored')
  expect(await log.updates.positionOf(documentId)).toEqual({ epoch: 2, seq: 0 })
  expect(await log.updates.state(documentId)).toMatchObject({ epoch: 2, seq: 0 })
  expect(await log.updates.since(documentId, 1, 0)).toBeUndefined()

  expect(await newEpoch(log, documentId)).toBe(3)
  expect(await log.append(documentId, b, 3)).toBe(1)
  expect(await newEpoch(log, documentId)).toBe(4)
  expect(await newEpoch(log, documentId)).toBe(5)
  // Epochs in which nothing was shared leave nothing.
  const rows = await log.database
    .selectFrom('shared_states')
    .select(['epoch', 'last_seq'])
    .where('document_id', '=', documentId)
    .orderBy('epoch')
    .execute()
  expect(rows).toEqual([
    { epoch: 3, last_seq: 1 },
    { epoch: 5, last_seq: 0 },
  ])
  expect(await sharedText(log, other)).toBe('a')
})

test('an ended epoch is kept for 30 days', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  for (const update of typed('old')) await log.append(documentId, update)
  await newEpoch(log, documentId)
  for (const update of typed('new')) await log.append(documentId, update, 2)
  const pruning = { database: log.database, clock: log.clock.now }

  log.clock.pass(30 * 24 * 3600 - 1)
  expect(await pruneEpochs(pruning)).toBe(0)
  expect(await logLength(log, documentId)).toBe(2)
  log.clock.pass(2)
  expect(await pruneEpochs(pruning)).toBe(1)
  expect(await logLength(log, documentId)).toBe(1)
  expect(await sharedText(log, documentId)).toBe('new')
})

test('a deleted document takes nothing, nor does one that never was; another one is untouched by it', async () => {
  await using log = await openLog()
  const [deleted, fresh, other] = [await log.newDocument(), await log.newDocument(), await log.newDocument()]
  const [first = new Uint8Array(), second = new Uint8Array()] = typed('a', 'b')
  await log.append(deleted, first)
  const deletedAt = log.clock.now().toISOString()
  for (const id of [deleted, fresh])
    await log.database.transaction().execute((tx) => updateDocument(tx, id, { deleted_at: deletedAt }))

  const answers = await Promise.allSettled([
    log.append(deleted, second),
    log.append(other, first),
    log.append(fresh, first),
    log.append('unknown', first),
  ])

  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'rejected'])
  for (const index of [0, 2, 3])
    expect(answers[index]).toMatchObject({ reason: { code: 'document-not-found' } })
  expect(await sharedText(log, deleted)).toBe('a')
})

test('an erased document leaves nothing of what was shared', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  for (const update of typed('a', 'b')) await log.append(documentId, update)
  const document = await log.database
    .selectFrom('documents')
    .selectAll()
    .where('id', '=', documentId)
    .executeTakeFirstOrThrow()

  await log.database.transaction().execute((tx) => eraseDocument(tx, document))

  expect(await logLength(log, documentId)).toBe(0)
  expect(await log.database.selectFrom('shared_states').selectAll().execute()).toEqual([])
})

test('a commit that fails fails its updates and tells no room; later ones are stored', async () => {
  const calls = new FaultyCalls()
  await using log = await openLog({}, faultyDialect(calls))
  const documents = [await log.newDocument(), await log.newDocument()]
  const heard = documents.map((documentId) => log.listen(documentId))
  const [a = new Uint8Array(), b = new Uint8Array()] = typed('a', 'b')
  const failed: (string | undefined)[] = []
  for (;;) {
    calls.arm({ nth: failed.length + 1 })
    const answers = await Promise.allSettled(documents.map((documentId) => log.append(documentId, a)))
    calls.disarm()
    if (calls.failed === undefined) break
    failed.push(calls.failed)
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(heard).toEqual([[], []])
  }
  expect(failed.at(0)).toBe('begin')
  expect(failed.at(-1)).toBe('commit')
  expect(failed.length).toBeGreaterThan(8)

  for (const documentId of documents) {
    expect(await log.append(documentId, b)).toBe(2)
    expect(await sharedText(log, documentId)).toBe('ab')
  }
})

test('a document takes so much and no more, others go on', async () => {
  await using log = await openLog({ mostStateBytes: 1000 })
  const [full, other] = [await log.newDocument(), await log.newDocument()]
  const [most = new Uint8Array(), more = new Uint8Array()] = typed('x'.repeat(900), 'y'.repeat(100))
  await log.append(full, most)

  await expectProblem(log.append(full, more), 'shared-state-too-large')
  expect(await log.append(other, more)).toBe(1)
  expect(await sharedText(log, full)).toBe('x'.repeat(900))
})

test('more than may wait is refused', async () => {
  await using log = await openLog()
  const large = new Uint8Array(4 * 1024 * 1024)

  const answers = await Promise.allSettled(Array.from({ length: 17 }, () => log.append('unknown', large)))

  expect(answers[15]).toMatchObject({ reason: { code: 'document-not-found' } })
  expect(answers[16]).toMatchObject({ reason: { code: 'too-many-requests' } })
  await expectProblem(log.append('unknown', large), 'document-not-found')
})

test('nothing is taken once the log is closed', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [update = new Uint8Array()] = typed('a')
  const last = log.append(documentId, update)
  await log.updates.close()

  expect(await last).toBe(1)
  await expectProblem(log.append(documentId, update), 'shutting-down')
})
