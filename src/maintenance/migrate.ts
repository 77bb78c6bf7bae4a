import * as fs from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { type OpenedBlobs, openBlobs } from '../blobs/open-blobs.ts'
import type { Config } from '../config.ts'
import { databasePath, isSqlite } from '../metadata/database.ts'
import { keyPrefix } from '../metadata/installation.ts'
import type { Database } from '../metadata/schema.ts'
import type { BlobFault } from './blob-fault.ts'
import { copyBlobs, missingBlobs } from './migrate-blobs.ts'
import { copyRows, unequalTables } from './migrate-rows.ts'
import { demandStopped, demandTarget, openTarget } from './migrate-target.ts'
import { blobsRoot, isOnDisk, lockFolder } from './places.ts'
import type { Progress } from './progress.ts'
import { Refusal } from './refusal.ts'

const CHECK_MS = 30_000

type MigrateDeps = {
  config: Pick<Config, 'DATA_DIR' | 'DATABASE_URL' | 'BLOBS_URL'>
  /** Of `DATABASE_URL`, with the schema of this release. */
  database: Database
  progress: Progress
}

/** As `DATABASE_URL` and `BLOBS_URL` name them; what is left out stays where it is. */
export type Destination = { databaseUrl?: string | undefined; blobsUrl?: string | undefined }

export type Migrated = {
  /** Rows that were copied; undefined when they stay. */
  rows: number | undefined
  /** Undefined when they stay. `skipped` were there from an earlier run. */
  blobs: { copied: number; skipped: number } | undefined
  /** Damage of the installation itself; everything else is copied. */
  faults: BlobFault[]
}

/**
 * Copies an installation whose service is stopped: first the blobs, which only adds, then all rows in
 * one transaction. Then both sides are read and compared. Cut short, it is run again. What is copied
 * stays where it was, too.
 *
 * @throws Refusal `copy-differs`, `disk-full`, `folder-in-use`, `service-running`, `storage-failed`,
 *   `target-in-use`, `target-is-source`, `target-newer`, `target-unusable`; NewerSchemaError
 */
export async function migrateInstallation(
  { config, database, progress }: MigrateDeps,
  to: Destination,
): Promise<Migrated> {
  await using opened = new AsyncDisposableStack()
  for (const folder of await foldersOf(config, to))
    opened.defer(lockFolder(folder, `the service is running on ${folder}: stop it first`))
  await demandStopped(database)
  if (to.databaseUrl !== undefined) await demandTarget(database, config.DATABASE_URL, to.databaseUrl)

  const result: Migrated = { rows: undefined, blobs: undefined, faults: [] }
  if (to.blobsUrl !== undefined) {
    const from = await openStore(config, config.BLOBS_URL, opened, 'BLOBS_URL')
    const target = await openStore(config, to.blobsUrl, opened, '--to-blobs')
    await demandOwn(target, await keyPrefix(database))
    await target.removeLeftovers()
    const deps = { database, from, to: target, progress }
    const { faults, ...blobs } = await copyBlobs(deps)
    result.blobs = blobs
    result.faults = faults
    const [missing] = await missingBlobs(deps, faults)
    if (missing !== undefined) throw differs(`the target does not list blob ${missing}`)
  }
  if (to.databaseUrl !== undefined) {
    const target = await openTarget(to.databaseUrl)
    opened.defer(() => target.destroy())
    const deps = { source: database, target, progress }
    result.rows = await copyRows(deps)
    const unequal = await unequalTables(deps)
    if (unequal.length > 0) throw differs(`these tables are not equal on both sides: ${unequal.join(', ')}`)
  }
  // One that was started meanwhile has taken what the target does not have.
  await demandStopped(database)
  return result
}

/** Where a service was only tried there is nothing of anybody's. */
async function demandOwn(target: OpenedBlobs, installation: string): Promise<void> {
  if ((await target.claim(installation)) === installation) return
  for await (const _ of target.list())
    throw new Refusal(
      'target-in-use',
      'the target holds the blobs of another installation, as the object "installation" there says: name another one',
    )
  await target.claim(installation, { isOver: true })
}

/** Those whose lock a service would hold, here or there; links to one folder are one. */
async function foldersOf({ DATA_DIR }: MigrateDeps['config'], to: Destination): Promise<Set<string>> {
  const { databaseUrl, blobsUrl } = to
  const folders = new Set<string>()
  for (const folder of [
    resolve(DATA_DIR),
    ...(databaseUrl !== undefined && isSqlite(databaseUrl)
      ? [dirname(resolve(databasePath(databaseUrl)))]
      : []),
    ...(blobsUrl !== undefined && isOnDisk(blobsUrl) ? [blobsRoot(blobsUrl)] : []),
  ]) {
    await fs.mkdir(folder, { recursive: true })
    folders.add(await fs.realpath(folder))
  }
  return folders
}

/** @throws Refusal `storage-failed` */
async function openStore(
  { DATA_DIR }: MigrateDeps['config'],
  BLOBS_URL: string,
  opened: AsyncDisposableStack,
  setting: string,
): Promise<OpenedBlobs> {
  // Nothing is read twice.
  const blobs = await openBlobs({ BLOBS_URL, DATA_DIR, BLOB_CACHE_BYTES: 0 })
  opened.defer(() => blobs.close())
  if (await blobs.isReachable()) return blobs
  throw new Refusal('storage-failed', (await troubleOf(BLOBS_URL)).replaceAll('BLOBS_URL', setting))
}

/** As the doctor says it. */
async function troubleOf(BLOBS_URL: string): Promise<string> {
  const unknown = `the storage of blobs does not answer: ${BLOBS_URL}`
  if (isOnDisk(BLOBS_URL)) return unknown
  // Loaded only where it is used: it costs memory.
  const { blobsCheck } = await import('../doctor/blobs.ts')
  const { result, evidence, fix } = await blobsCheck({
    config: { BLOBS_URL },
    limits: { checkMs: CHECK_MS },
  })
  return result === 'ok' ? unknown : `${evidence}. ${fix}`
}

function differs(what: string): Refusal {
  return new Refusal('copy-differs', `${what}. Do not use the copy; run the command again`)
}
