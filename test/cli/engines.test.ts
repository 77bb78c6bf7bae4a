import * as fs from 'node:fs/promises'
import { expect, test } from 'vitest'
import { fillHome, homeOf, migrate, onDisk } from '../maintenance/migrate-scene.ts'
import { startPostgres } from '../support/postgres.ts'
import { query } from '../support/scale.ts'
import { freshFolder, runCli } from './run.ts'

/** Each takes a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

test(
  'commands made for files refuse other engines, all others work on them',
  async () => {
    await using folder = await freshFolder()
    await using postgres = await startPostgres()
    const url = `${postgres.url}/postgres`
    const home = onDisk(folder.at('data'))
    await fillHome(home, 2)
    const there = homeOf(home.dataDir, url, `file:${folder.at('there')}`)
    for (const command of ['backup', 'restore']) {
      const run = await runCli(there, command, folder.at('backup'), '--json')
      expect([run.code, run.json]).toMatchObject([
        1,
        { code: 'engine-unsuitable', detail: expect.stringContaining('migrate') },
      ])
    }
    const early = await runCli(there, 'keys', 'list', '--json')
    expect([early.code, early.json]).toMatchObject([1, { code: 'data-missing' }])

    expect((await migrate(home, there)).code).toBe(0)
    expect((await runCli(there, 'keys', 'list', '--json')).json).toMatchObject({ keys: [{ name: 'Tests' }] })
    expect((await runCli(there, 'sign-in')).stdout).toContain('/sign-in?link=')
    expect((await runCli(there, 'saves', 'list', '--json')).code).toBe(0)
    await fs.mkdir(folder.at('incoming'))
    await fs.writeFile(folder.at('incoming', 'notes.txt'), 'Notes')
    expect((await runCli(there, 'import', folder.at('incoming'), '--json')).json).toMatchObject({
      imported: 1,
    })
    expect((await runCli(there, 'export', folder.at('outgoing'), '--json')).json).toMatchObject({
      exported: 2,
    })
    const verified = await runCli(there, 'verify', '--json')
    expect([verified.code, verified.json]).toMatchObject([0, { faults: [] }])

    await query(url, `delete from kysely_migration where name >= '0009'`)
    const older = await runCli(there, 'keys', 'list', '--json')
    expect([older.code, older.json]).toMatchObject([1, { code: 'schema-older' }])
  },
  MANY_PROCESSES_MS,
)
