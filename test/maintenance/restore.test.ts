import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { expect, test } from 'vitest'
import { backUp } from '../../src/maintenance/backup.ts'
import { NO_PROGRESS } from '../../src/maintenance/progress.ts'
import { restore } from '../../src/maintenance/restore.ts'
import { MIGRATIONS } from '../../src/metadata/migrations/index.ts'
import { freshFolder, runCli, startCli } from '../cli/run.ts'
import { startApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { blobOf, flipByte, placesIn, tree, uploadSome } from './scene.ts'

/** Each takes half a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

type BackupJson = { manifest: { database: { name: string }; schemaVersion: string } }

test('a blob that was damaged in the backup is named and never restored', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 2)
  expect((await runCli(app, 'backup', folder.at('backup'))).code).toBe(0)
  const path = (await blobOf(app, id)).replace(app.dataDir, folder.at('backup'))
  await flipByte(path)
  const run = await runCli({ dataDir: folder.at('restored') }, 'restore', folder.at('backup'), '--json')
  expect([run.code, run.json]).toMatchObject([
    1,
    { restored: 1, faults: [{ problem: 'damaged', mentionedBy: [{ documentId: id }] }] },
  ])
  expect(existsSync(path.replace(folder.at('backup'), folder.at('restored')))).toBe(false)
})

test(
  'a restore killed at any moment is no installation until the next run finishes it',
  async () => {
    await using folder = await freshFolder()
    await using app = await startApp()
    await uploadSome(app, 60)
    await runCli(app, 'backup', folder.at('backup'))
    let kills = 0
    for (let round = 0; round < 4; round += 1) {
      const data = { dataDir: folder.at(`restored-${round}`) }
      const { child, ended } = startCli(data, 'restore', folder.at('backup'))
      await delay(300 + 100 * round)
      child.kill('SIGKILL')
      if ((await ended).code === null) kills += 1
      if (existsSync(`${data.dataDir}/restore.json`)) {
        const served = await runCli({ ...data, env: { PORT: '0' } }, 'serve')
        expect([served.code, served.stdout]).toEqual([1, expect.stringContaining('was cut short')])
      }
      const run = await runCli(data, 'restore', folder.at('backup'), '--json')
      // It may have ended before it was killed.
      if (run.code === 1) expect(run.json).toMatchObject({ code: 'folder-not-empty' })
      expect((await runCli(data, 'verify', '--json')).json).toMatchObject({ blobs: 60, faults: [] })
      expect(readdirSync(data.dataDir)).not.toContain('restore.json')
    }
    expect(kills).toBeGreaterThan(0)
  },
  MANY_PROCESSES_MS,
)

test('of two restores at once one is refused, and so is one into a folder that is used or not empty', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  await uploadSome(app, 30)
  await runCli(app, 'backup', folder.at('backup'))
  const before = await tree(`${app.dataDir}/blobs`)
  const running = await runCli(app, 'restore', folder.at('backup'), '--json')
  expect([running.code, running.json]).toMatchObject([1, { code: 'folder-in-use' }])

  const data = { dataDir: folder.at('restored') }
  const both = await Promise.all([1, 2].map(() => runCli(data, 'restore', folder.at('backup'), '--json')))
  expect(both.map(({ code }) => code).sort()).toEqual([0, 1])
  const refused = both.find(({ code }) => code === 1)?.json
  expect(refused).toMatchObject({ code: expect.stringMatching(/^folder-(in-use|not-empty)$/) })
  expect(await tree(folder.at('restored', 'blobs'))).toEqual(before)
  const third = await runCli(data, 'restore', folder.at('backup'), '--json')
  expect([third.code, third.json]).toMatchObject([1, { code: 'folder-not-empty' }])
  expect((await runCli(data, 'verify')).code).toBe(0)
})

test('a backup whose database is damaged, or that a newer program made, is refused', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const { json } = await runCli(app, 'backup', folder.at('backup'), '--json')
  const { manifest } = json as BackupJson
  await flipByte(folder.at('backup', manifest.database.name))
  const damaged = await runCli({ dataDir: folder.at('restored') }, 'restore', folder.at('backup'), '--json')
  expect([damaged.code, damaged.json]).toMatchObject([1, { code: 'backup-unreadable' }])
  await fs.writeFile(
    folder.at('backup', 'manifest.json'),
    JSON.stringify({ ...manifest, schemaVersion: '9999-later' }),
  )
  const newer = await runCli({ dataDir: folder.at('restored') }, 'restore', folder.at('backup'), '--json')
  expect([newer.code, newer.json]).toMatchObject([1, { code: 'schema-newer' }])
  expect(existsSync(folder.at('restored'))).toBe(false)
})

test('what was cut short goes on with the same backup only, and a backup without its secrets begins nothing', async () => {
  await using folder = await freshFolder()
  await using app = await startApp({ env: { ADMIN_TOKEN: '' } })
  await uploadSome(app, 1)
  const deps = { places: placesIn(folder.at('restored')), progress: NO_PROGRESS }
  const backedUp = { places: placesIn(app.dataDir), clock: () => new Date(), progress: NO_PROGRESS }
  await backUp(backedUp, folder.at('backup'))
  await fs.rename(folder.at('backup', 'secrets.json'), folder.at('secrets.json'))
  await expect(restore(deps, folder.at('backup'))).rejects.toMatchObject({ code: 'backup-unreadable' })
  expect(existsSync(folder.at('restored'))).toBe(false)
  await fs.rename(folder.at('secrets.json'), folder.at('backup', 'secrets.json'))

  // Killed while it wrote its mark.
  mkdirSync(folder.at('restored'))
  await fs.writeFile(folder.at('restored', 'restore.json.1234'), '{')
  const cut = { ...NO_PROGRESS, begin: () => Promise.reject(new Error('cut short')) }
  await expect(restore({ ...deps, progress: cut }, folder.at('backup'))).rejects.toThrow('cut short')
  await app.upload('more.docx', makeDocx(['More']))
  await backUp(backedUp, folder.at('later'))
  await expect(restore(deps, folder.at('later'))).rejects.toMatchObject({
    code: 'folder-not-empty',
    message: expect.stringContaining('a restore of another backup'),
  })
  expect(await restore(deps, folder.at('backup'))).toMatchObject({ restored: 1, faults: [] })
})

test('a backup of an earlier release is restored as it is, and brought up to date by the next start', async () => {
  await using folder = await freshFolder()
  mkdirSync(folder.at('data'))
  const sqlite = new Sqlite(folder.at('data', 'metadata.sqlite'))
  const database = new Kysely<unknown>({ dialect: new SqliteDialect({ database: sqlite }) })
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => MIGRATIONS } })
  await migrator.migrateTo('0006-sharing')
  await database.destroy()

  const { code, json } = await runCli({ dataDir: folder.at('data') }, 'backup', folder.at('backup'), '--json')
  expect([code, (json as BackupJson).manifest.schemaVersion]).toEqual([0, '0006-sharing'])
  const restored = { dataDir: folder.at('restored') }
  expect((await runCli(restored, 'restore', folder.at('backup'))).code).toBe(0)
  await using app = await startApp({ dataDir: restored.dataDir })
  expect((await app.fetch('/ready', { as: null })).status).toBe(200)
})
