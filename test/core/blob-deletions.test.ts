import { afterAll, beforeAll, expect, test } from 'vitest'
import { blobDeletions } from '../../src/metadata/blob-deletions.ts'
import { startApp, type TestApp } from '../support/app.ts'

let app: TestApp
beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app[Symbol.asyncDispose]())

test('a deletion is known to all from its beginning to its end', async () => {
  const [one, other] = [blobDeletions(app.deps.database), blobDeletions(app.deps.database)]
  expect(await other.isUnderWay('a')).toBe(false)
  await one.begin('a')
  await one.begin('a')
  expect([await other.isUnderWay('a'), await other.isUnderWay('b')]).toEqual([true, false])
  await one.end('a')
  expect(await other.isUnderWay('a')).toBe(false)
})

test('one whose process has ended is over after two minutes', async () => {
  const { database } = app.deps
  const deletions = blobDeletions(database)
  await deletions.begin('a')
  const age = (ms: number) =>
    database
      .updateTable('blob_deletions')
      .set((row) => ({ since_ms: row('since_ms', '-', ms) }))
      .execute()
  await age(100_000)
  expect(await deletions.isUnderWay('a')).toBe(true)
  await age(21_000)
  expect(await deletions.isUnderWay('a')).toBe(false)
})
