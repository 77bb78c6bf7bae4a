import { existsSync, readdirSync, statSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { backUp } from '../../src/maintenance/backup.ts'
import { NO_PROGRESS } from '../../src/maintenance/progress.ts'
import { freshFolder, runCli, startCli } from '../cli/run.ts'
import { auditStorage } from '../crash/audit.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { makeDocx } from '../support/files.ts'
import { blobOf, placesIn, uploadSome } from './scene.ts'

/** Each takes half a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

type BackupJson = {
  manifest: { database: { name: string }; counts: { documents: number; versions: number; blobs: number } }
  copied: number
  skipped: number
}

/** Uploads until it is stopped. @returns ids with the bytes that were acknowledged */
function startWriting(app: TestApp) {
  const written = new Map<string, Buffer>()
  let isOver = false
  const done = (async () => {
    for (let at = 0; !isOver; at += 1) {
      const bytes = makeDocx([`Written ${at}`])
      written.set(await app.upload(`Written ${at}.docx`, bytes), bytes)
    }
  })()
  return {
    written,
    stop: () => {
      isOver = true
      return done
    },
  }
}

test('a backup taken under load, restored elsewhere, has every version that there was, equal byte by byte', async () => {
  await using folder = await freshFolder()
  await using both = await startBoth()
  const { app, id } = both
  await uploadSome(app, 40)
  const edited = makeDocx(['Edited'])
  expect(await both.send({ status: 6, forcesavetype: 1 }, edited)).toBe(200)
  const before = new Map<string, Buffer>()
  for (const { id: version } of await app.versions(id)) before.set(version, Buffer.alloc(0))
  const writers = [startWriting(app), startWriting(app)]
  await delay(100)

  const acknowledged = new Map(writers.flatMap(({ written }) => [...written]))
  const run = await runCli(app, 'backup', folder.at('backup'), '--json')
  await Promise.all(writers.map((writer) => writer.stop()))
  expect([run.code, run.stderr]).toEqual([0, ''])
  expect((await runCli(app, 'verify', '--backup', folder.at('backup'))).code).toBe(0)

  const restored = { dataDir: folder.at('restored') }
  expect((await runCli(restored, 'restore', folder.at('backup'))).code).toBe(0)
  await using other = await startApp({ dataDir: restored.dataDir })
  expect((await auditStorage(restored.dataDir)).faults).toEqual([])
  expect((await runCli(restored, 'verify', '--json')).json).toMatchObject({ faults: [], databaseFaults: [] })
  const admin = { as: 'tests-admin-token-0123456789' }
  for (const [document, bytes] of acknowledged) {
    const answer = await other.fetch(`/api/documents/${document}/download`, admin)
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(bytes)
  }
  const answer = await other.fetch(`/api/documents/${id}/versions`, admin)
  const { versions } = (await answer.json()) as { versions: { id: string }[] }
  expect(versions.map((version) => version.id).sort()).toEqual([...before.keys()].sort())
  expect(acknowledged.size).toBeGreaterThan(0)
})

test('a second run only adds, and the folder is for its user alone', async () => {
  await using folder = await freshFolder()
  await using app = await startApp({ env: { ADMIN_TOKEN: '' } })
  await uploadSome(app, 3)
  const first = (await runCli(app, 'backup', folder.at('backup'), '--json')).json as BackupJson
  expect(first).toMatchObject({
    copied: 3,
    skipped: 0,
    manifest: { hasSecrets: true, counts: { documents: 3 } },
  })
  await app.upload('more.docx', makeDocx(['More']))
  const second = (await runCli(app, 'backup', folder.at('backup'), '--json')).json as BackupJson
  expect(second).toMatchObject({ copied: 1, skipped: 3, manifest: { counts: { documents: 4, blobs: 4 } } })
  expect(readdirSync(folder.at('backup')).filter((name) => name.endsWith('.sqlite'))).toEqual([
    second.manifest.database.name,
  ])
  expect(statSync(folder.at('backup')).mode & 0o777).toBe(0o700)
  expect(statSync(folder.at('backup', 'secrets.json')).mode & 0o777).toBe(0o600)
})

test(
  'a backup killed at any moment leaves the one before whole, and the next run finishes it',
  async () => {
    await using folder = await freshFolder()
    await using app = await startApp()
    await uploadSome(app, 60)
    const backup = folder.at('backup')
    let kills = 0
    for (let round = 0; round < 6; round += 1) {
      await app.upload(`${round}.docx`, makeDocx([`Round ${round}`]))
      const { child, ended } = startCli(app, 'backup', backup)
      await delay(250 + 90 * round)
      child.kill('SIGKILL')
      if ((await ended).code === null) kills += 1
      const isFinished = existsSync(folder.at('backup', 'manifest.json'))
      if (isFinished) expect((await runCli(app, 'verify', '--backup', backup)).code).toBe(0)
      else {
        const run = await runCli({ dataDir: folder.at('none') }, 'restore', backup, '--json')
        expect([run.code, run.json]).toMatchObject([1, { code: 'backup-incomplete' }])
      }
    }
    expect(kills).toBeGreaterThan(0)
    const run = await runCli(app, 'backup', backup, '--json')
    expect([run.code, (run.json as BackupJson).manifest.counts.documents]).toEqual([0, 66])
    expect((await runCli(app, 'verify', '--backup', backup)).code).toBe(0)
    expect(readdirSync(backup).filter((name) => name.includes('.sqlite'))).toHaveLength(1)
  },
  MANY_PROCESSES_MS,
)

test('a blob swept while it is being backed up takes no version along: a newer copy of the database does not need it', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const [, id = ''] = await uploadSome(app, 3)
  let rounds = 0
  const progress = {
    ...NO_PROGRESS,
    // The database is copied, no blob yet.
    async begin() {
      rounds += 1
      if (rounds > 1) return
      await fs.rm(await blobOf(app, id))
      await app.deps.database
        .updateTable('versions')
        .set({ deleted_at: '2026-11-21T08:00:00.000Z' })
        .where('document_id', '=', id)
        .execute()
    },
  }
  const deps = { places: placesIn(app.dataDir), clock: () => new Date(), progress }
  const { faults, manifest } = await backUp(deps, folder.at('backup'))
  expect([rounds, faults, manifest.counts.blobs]).toEqual([2, [], 2])
})

test('what is missing in the installation is named, the rest is backed up and restored', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const [id = '', other = ''] = await uploadSome(app, 2)
  await fs.rm(await blobOf(app, id))
  const run = await runCli(app, 'backup', folder.at('backup'))
  expect([run.code, run.stdout]).toEqual([
    1,
    expect.stringContaining(`document ${id} “Document 0”, version 1`),
  ])
  const restoring = await runCli({ dataDir: folder.at('restored') }, 'restore', folder.at('backup'))
  expect([restoring.code, restoring.stdout]).toEqual([1, expect.stringContaining('is missing')])
  await using again = await startApp({ dataDir: folder.at('restored') })
  expect(
    (await again.fetch(`/api/documents/${other}/download`, { as: 'tests-admin-token-0123456789' })).status,
  ).toBe(200)
})

test('a backup does not go into the data folder, and two do not write one folder at once', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const inside = await runCli(app, 'backup', `${app.dataDir}/backup`, '--json')
  expect([inside.code, inside.json]).toMatchObject([1, { code: 'folder-unsuitable' }])
  expect(existsSync(`${app.dataDir}/backup`)).toBe(false)
  await fs.mkdir(folder.at('backup'))
  const lock = new Sqlite(folder.at('backup', 'service.lock'))
  lock.exec('begin exclusive')
  const second = await runCli(app, 'backup', folder.at('backup'), '--json')
  lock.close()
  expect([second.code, second.json]).toMatchObject([1, { code: 'folder-in-use' }])
})
