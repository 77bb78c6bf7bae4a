import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/metadata/database.ts'
import { forgottenFiles, noteForgotten } from '../../src/metadata/forgotten.ts'

async function openBesideAnother() {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const database = await openDatabase(`sqlite:${folder}/metadata.sqlite`)
  const other = new Sqlite(join(folder, 'metadata.sqlite'))
  return {
    database,
    other,
    async [Symbol.asyncDispose]() {
      other.close()
      await database.destroy()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const forgotten = { key: 'k', reason: 'r', fingerprint: undefined, now: '2026-11-21T08:00:00.000Z' }

test('a transaction that another process locks out is begun again, and reading goes on meanwhile', async () => {
  await using opened = await openBesideAnother()
  const { database, other } = opened
  other.exec('begin immediate')
  let runs = 0
  const committed = database.transaction().execute(async (tx) => {
    runs += 1
    await noteForgotten(tx, forgotten)
  })
  // Longer than one wait for the lock.
  for (let reads = 0; reads < 5; reads += 1) {
    expect(await forgottenFiles(database)).toEqual([])
    await delay(100)
  }
  other.exec('rollback')
  await committed
  expect([runs, (await forgottenFiles(database)).length]).toEqual([1, 1])
})

test('what stays locked out for seconds is refused, and may be asked for again', async () => {
  await using opened = await openBesideAnother()
  const { database, other } = opened
  other.exec('begin immediate')
  const committed = database.transaction().execute((tx) => noteForgotten(tx, forgotten))
  await expect(committed).rejects.toMatchObject({ code: 'storage-unavailable', retryAfterS: 5 })
  other.exec('rollback')
  await database.transaction().execute((tx) => noteForgotten(tx, forgotten))
  expect(await forgottenFiles(database)).toHaveLength(1)
})
