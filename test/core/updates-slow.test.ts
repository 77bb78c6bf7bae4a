import { expect, test, vi } from 'vitest'
import { crowds, yjsProcessesOf } from './slow-updates.ts'
import { expectProblem, logLength, openLog, sharedText, typed, type UpdatesLog } from './updates-log.ts'

const [hello = new Uint8Array()] = typed('hello')

/** A document whose merging takes half a minute of a processor. */
async function slowDocument(log: UpdatesLog): Promise<string> {
  const documentId = await log.newDocument()
  await Promise.all(crowds(5, 8000).map((update) => log.append(documentId, update)))
  return documentId
}

/** Those of the states that have come. */
function settledOf(states: Promise<unknown>[]): Promise<number> {
  const pending = Symbol()
  return Promise.all(
    states.map((state) =>
      Promise.race([
        state.then(
          () => 1,
          () => 1,
        ),
        Promise.resolve(pending),
      ]),
    ),
  ).then((all) => all.filter((one) => one !== pending).length)
}

test('documents that take long to merge hold up neither others nor the end', async () => {
  await using log = await openLog()
  for (const update of crowds(1, 8000)) await log.updates.check(update)
  const slow = [await slowDocument(log), await slowDocument(log)]
  const [quick, next] = [await log.newDocument(), await log.newDocument()]
  for (const documentId of [quick, next]) await log.append(documentId, hello)

  const states = slow.map((documentId) => log.updates.state(documentId))
  expect(await sharedText(log, quick)).toBe('hello')
  log.updates.compactSoon(slow[0] ?? '')
  log.updates.compactSoon(next)
  await vi.waitUntil(async () => (await logLength(log, next)) === 0, { timeout: 30_000 })
  const [large = new Uint8Array()] = typed('y'.repeat(100_000))
  await log.updates.check(large)
  expect(await settledOf(states)).toBe(0)

  const last = log.append(quick, hello)
  const closed = log.updates.close()
  for (const state of states) await expectProblem(state, 'shutting-down')
  await closed
  expect(await last).toBe(2)
  await expectProblem(log.updates.state(quick), 'shutting-down')
  expect(yjsProcessesOf(process.pid)).toEqual([])
  expect(log.lines).toEqual([])
})

test('what takes longer than the first try is merged all the same', async () => {
  await using log = await openLog()
  const documentId = await log.newDocument()
  for (const update of crowds(2, 6000)) await log.append(documentId, update)

  log.updates.compactSoon(documentId)
  const { seq, stateVector } = await log.updates.state(documentId)
  expect(seq).toBe(2)
  expect(stateVector.byteLength).toBeGreaterThan(2 * 6000)
  await log.updates.idle()
  expect(await logLength(log, documentId)).toBe(0)
})

test('no more than a few slow documents wait', async () => {
  await using log = await openLog({ mostWaitingSlow: 1, timeLimitMs: 1000 })
  const documents = [await slowDocument(log), await slowDocument(log), await slowDocument(log)]
  const states = documents.map((documentId) => log.updates.state(documentId))

  const refused = Promise.race(states)
  await expectProblem(refused, 'storage-unavailable')
  await expect(refused).rejects.toHaveProperty('retryAfterS', 30)

  await log.updates.close()
  const codes = (await Promise.allSettled(states)).map((state) => state.status === 'rejected' && state.reason)
  expect(codes.map(({ code }) => code).sort()).toEqual([
    'shutting-down',
    'shutting-down',
    'storage-unavailable',
  ])
})
