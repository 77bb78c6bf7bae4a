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
  const end = await one.begin('a')
  expect([await other.isUnderWay('a'), await other.isUnderWay('b')]).toEqual([true, false])
  await end?.()
  expect(await other.isUnderWay('a')).toBe(false)
})

test('while one is under way no other begins', async () => {
  const [one, other] = [blobDeletions(app.deps.database), blobDeletions(app.deps.database)]
  const end = await one.begin('a')
  expect([await other.begin('a'), await one.begin('a')]).toEqual([undefined, undefined])
  await end?.()
  await (await other.begin('a'))?.()
  expect(await one.isUnderWay('a')).toBe(false)
})

test('one whose process has ended is over once S3 would refuse it, and its end ends no later one', async () => {
  const { database } = app.deps
  const deletions = blobDeletions(database)
  const late = await deletions.begin('a')
  const age = (ms: number) =>
    database
      .updateTable('blob_deletions')
      .set((row) => ({ since_ms: row('since_ms', '-', ms) }))
      .execute()
  await age(19 * 60_000)
  expect([await deletions.isUnderWay('a'), await deletions.begin('a')]).toEqual([true, undefined])
  await age(2 * 60_000)
  expect(await deletions.isUnderWay('a')).toBe(false)
  const end = await deletions.begin('a')
  await late?.()
  expect(await deletions.isUnderWay('a')).toBe(true)
  await end?.()
  expect(await deletions.isUnderWay('a')).toBe(false)
})
