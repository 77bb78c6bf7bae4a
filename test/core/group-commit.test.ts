import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/metadata/database.ts'
import { forgottenFiles, noteForgotten } from '../../src/metadata/forgotten.ts'
import { GroupCommit } from '../../src/metadata/group-commit.ts'
import { databaseUrl, dropScaled } from '../support/scale.ts'

async function openTemporary() {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const database = await openDatabase(await databaseUrl(folder))
  return {
    database,
    commits: new GroupCommit(database),
    async [Symbol.asyncDispose]() {
      await database.destroy()
      await dropScaled(folder)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const note = (key: string) => ({ key, reason: 'r', fingerprint: undefined, now: '2026-11-21T08:00:00.000Z' })

test('work that arrives together is committed together, and one failure takes nothing of the others along', async () => {
  await using opened = await openTemporary()
  const { database, commits } = opened

  const results = await Promise.allSettled(
    Array.from({ length: 100 }, (_, index) =>
      commits.run(async (tx) => {
        await noteForgotten(tx, note(`k${index}`))
        if (index % 10 === 3) throw new Error(`failed ${index}`)
        return index
      }),
    ),
  )

  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(10)
  expect(results[4]).toEqual({ status: 'fulfilled', value: 4 })
  const keys = (await forgottenFiles(database)).map(({ key }) => key)
  expect(keys).toHaveLength(90)
  expect(keys).not.toContain('k3')
})

test('work on its own fails with its own error', async () => {
  await using opened = await openTemporary()
  await expect(
    opened.commits.run(async (tx) => {
      await noteForgotten(tx, note('k'))
      throw new Error('alone')
    }),
  ).rejects.toThrow('alone')
  expect(await forgottenFiles(opened.database)).toEqual([])
})
