import { createEncoder, toUint8Array, writeUint8, writeVarString, writeVarUint } from 'lib0/encoding'
import { expect, test } from 'vitest'
import { checkUpdate } from '../../src/core/updates/check-update.ts'
import { expectProblem, logLength, openLog, sharedText, typed, type UpdatesLog } from './updates-log.ts'

const BROKEN = new Uint8Array([1, 1, 7, 0, 11])

const quarantined = (log: UpdatesLog) =>
  log.database.selectFrom('quarantined_updates').select(['epoch', 'data', 'reason']).execute()

/** So many embeds of client 1, each a struct of its own, at the end of the body. */
function embeds(count: number): Uint8Array {
  const encoder = createEncoder()
  for (const number of [1, count, 1, 0]) writeVarUint(encoder, number)
  for (let n = 0; n < count; n += 1) {
    writeUint8(encoder, n === 0 ? 5 : 5 | 0x80)
    writeVarUint(encoder, 1)
    if (n === 0) writeVarString(encoder, 'embeds')
    else writeVarUint(encoder, n - 1)
    writeVarString(encoder, '{}')
  }
  writeVarUint(encoder, 0)
  return toUint8Array(encoder)
}

/** So many characters of client 2, each to find its place among all embeds anew. */
function wanderers(count: number, embedCount: number): Uint8Array {
  const encoder = createEncoder()
  for (const number of [1, count, 2, 0]) writeVarUint(encoder, number)
  for (let n = 0; n < count; n += 1) {
    writeUint8(encoder, 4 | 0x40)
    for (const number of [1, embedCount - 1]) writeVarUint(encoder, number)
    writeVarString(encoder, 'x')
  }
  writeVarUint(encoder, 0)
  return toUint8Array(encoder)
}

test('an update that cannot be applied is put aside, and everybody else goes on', async () => {
  await using log = await openLog()
  const [documentId, other] = [await log.newDocument(), await log.newDocument()]
  const [a = new Uint8Array(), b = new Uint8Array(), c = new Uint8Array()] = typed('a', 'b', 'c')
  await log.append(documentId, a)
  await Promise.all([BROKEN, b, BROKEN, c].map((update) => log.append(documentId, update)))
  await log.append(other, a)

  expect(await sharedText(log, documentId)).toBe('abc')
  expect(await sharedText(log, other)).toBe('a')

  const rows = await quarantined(log)
  expect(rows.map(({ data, ...row }) => ({ ...row, data: [...data] }))).toEqual([
    { epoch: 1, reason: 'error', data: [...BROKEN] },
    { epoch: 1, reason: 'error', data: [...BROKEN] },
  ])
  expect(log.lines).toMatchObject([
    { seq: 2, documentId, reason: 'error' },
    { seq: 4, documentId, reason: 'error' },
  ])
  expect(
    (await log.updates.since(documentId, 1, 1))?.map(({ seq, update }) => [seq, update.byteLength]),
  ).toEqual([
    [2, 2],
    [3, b.byteLength],
    [4, 2],
    [5, c.byteLength],
  ])
})

test('compaction goes on without what cannot be applied', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [a = new Uint8Array(), b = new Uint8Array()] = typed('a', 'b')
  for (const update of [a, BROKEN, b]) await log.append(documentId, update)

  log.updates.compactSoon(documentId)
  await log.updates.idle()

  expect(await logLength(log, documentId)).toBe(0)
  expect(await sharedText(log, documentId)).toBe('ab')
  expect(await quarantined(log)).toHaveLength(1)
})

test('an update that takes too long is found among others and put aside', { timeout: 180_000 }, async () => {
  await using log = await openLog({ timeLimitMs: 1500 })
  const [documentId, other] = [await log.newDocument(), await log.newDocument()]
  const [a = new Uint8Array(), b = new Uint8Array()] = typed('a', 'b')
  const slow = wanderers(200_000, 20_000)
  checkUpdate(slow)
  for (const update of [a, embeds(20_000), slow, b]) await log.append(documentId, update)
  await log.append(other, a)

  const [text, otherText] = await Promise.all([sharedText(log, documentId), sharedText(log, other)])

  expect(text).toBe('ab')
  expect(otherText).toBe('a')
  expect(await quarantined(log)).toMatchObject([{ reason: 'time' }])
})

test('an update that takes too much memory is found and put aside', async () => {
  await using log = await openLog({ memoryLimitMb: 48, timeLimitMs: 30_000 })
  const documentId = await log.newDocument()
  const [a = new Uint8Array(), b = new Uint8Array()] = typed('a', 'b')
  for (const update of [a, embeds(500_000), b]) await log.append(documentId, update)

  expect(await sharedText(log, documentId)).toBe('ab')
  expect(await quarantined(log)).toMatchObject([{ reason: 'memory' }])
})

test('checking that takes too much is refused', async () => {
  await using log = await openLog({ memoryLimitMb: 24 })
  await expectProblem(Promise.resolve(log.updates.check(embeds(500_000))), 'update-too-large')
})

test('checking that takes too long is tried again with more time, and then refused', async () => {
  await using log = await openLog({ timeLimitMs: 100 })
  const update = embeds(500_000)
  await expectProblem(Promise.resolve(log.updates.check(update)), 'update-too-large')
})

test('when no single update is to blame, none is put aside', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  const [a = new Uint8Array(), b = new Uint8Array()] = typed('a', 'b')
  await log.append(documentId, a)
  log.updates.compactSoon(documentId)
  await log.updates.idle()
  await log.database.updateTable('shared_states').set({ snapshot: BROKEN }).execute()
  await log.append(documentId, b)

  await expectProblem(log.updates.state(documentId), 'shared-state-too-large')
  expect(await quarantined(log)).toEqual([])
  expect(await logLength(log, documentId)).toBe(1)
})
