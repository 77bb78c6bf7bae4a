import { mkdirSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { expect, test } from 'vitest'
import { lockDataFolder } from '../../src/data-folder.ts'
import { MIGRATIONS } from '../../src/metadata/migrations/index.ts'
import { freshFolder, runCli } from './run.ts'

/** Each takes half a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

const EARLIER = '0006-sharing'

/** The data of an earlier release. @returns the schema as it stands */
async function makeEarlier(dataDir: string): Promise<() => unknown> {
  mkdirSync(dataDir)
  const sqlite = new Sqlite(`${dataDir}/metadata.sqlite`)
  sqlite.pragma('journal_mode = WAL')
  const database = new Kysely<unknown>({ dialect: new SqliteDialect({ database: sqlite }) })
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => MIGRATIONS } })
  await migrator.migrateTo(EARLIER)
  await database.destroy()
  return () => {
    const reader = new Sqlite(`${dataDir}/metadata.sqlite`, { readonly: true })
    const latest = reader.prepare('select max(name) from kysely_migration').pluck().get()
    reader.close()
    return latest
  }
}

test(
  'a service of an earlier release keeps its schema while it runs, whatever command comes by',
  async () => {
    await using folder = await freshFolder()
    const data = { dataDir: folder.at('data') }
    const schema = await makeEarlier(data.dataDir)
    const unlock = lockDataFolder(data.dataDir)
    const beside = await runCli(data, 'keys', 'list', '--json')
    expect([beside.code, beside.json]).toMatchObject([
      1,
      { code: 'folder-in-use', detail: expect.stringContaining('earlier release') },
    ])
    expect(schema()).toBe(EARLIER)
    unlock()
    expect((await runCli(data, 'keys', 'list', '--json')).json).toEqual({ keys: [] })
    expect(schema()).not.toBe(EARLIER)
  },
  MANY_PROCESSES_MS,
)

test('verify changes nothing, not even the schema of an earlier release', async () => {
  await using folder = await freshFolder()
  const data = { dataDir: folder.at('data') }
  const schema = await makeEarlier(data.dataDir)
  const run = await runCli(data, 'verify', '--json')
  expect([run.code, run.json]).toMatchObject([0, { blobs: 0, faults: [], databaseFaults: [] }])
  expect(schema()).toBe(EARLIER)
})
