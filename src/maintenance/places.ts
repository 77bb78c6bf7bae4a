import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { codeOf } from '../blobs/file-bytes.ts'
import type { Config } from '../config.ts'
import { lockDataFolder } from '../data-folder.ts'
import { databasePath, isSqlite } from '../metadata/database.ts'
import { Refusal } from './refusal.ts'

/** Where an installation on SQLite and disk keeps what it has. */
export type Places = { dataDir: string; databaseFile: string; blobsRoot: string }

/**
 * @param instead what to do where something is not in files
 * @throws Refusal `engine-unsuitable`
 */
export function placesOf(
  config: Pick<Config, 'DATA_DIR' | 'DATABASE_URL' | 'BLOBS_URL'>,
  instead = 'unset DATABASE_URL and BLOBS_URL',
): Places {
  const { DATA_DIR, DATABASE_URL, BLOBS_URL } = config
  const other = [
    ...(isSqlite(DATABASE_URL) ? [] : ['DATABASE_URL is postgres://…']),
    ...(isOnDisk(BLOBS_URL) ? [] : ['BLOBS_URL is s3://…']),
  ]
  if (other.length > 0)
    throw new Refusal(
      'engine-unsuitable',
      `this works on a SQLite database and blobs on disk, but ${other.join(' and ')}: ${instead}`,
    )
  return {
    dataDir: resolve(DATA_DIR),
    databaseFile: resolve(databasePath(DATABASE_URL)),
    blobsRoot: blobsRoot(BLOBS_URL),
  }
}

export function isOnDisk(blobsUrl: string): boolean {
  return blobsUrl.startsWith('file:')
}

/** The folder that `BLOBS_URL=file:…` names. */
export function blobsRoot(blobsUrl: string): string {
  return resolve(blobsUrl.slice('file:'.length))
}

/** A mistyped folder must not pass for an empty installation. @throws Refusal `data-missing` */
export function demandData({ databaseFile }: Pick<Places, 'databaseFile'>): void {
  if (!existsSync(databaseFile))
    throw new Refusal('data-missing', `there is no database at ${databaseFile}: is DATA_DIR right?`)
}

/** @param inUse what is said then @returns frees it @throws Refusal `folder-in-use`, `folder-unsuitable` */
export function lockFolder(
  folder: string,
  inUse = `another docs-connector is running on ${folder}`,
): () => void {
  try {
    return lockDataFolder(folder)
  } catch (cause) {
    if (isBusy(cause)) throw new Refusal('folder-in-use', inUse, { cause })
    if (codeOf(cause) !== undefined) throw cause
    throw new Refusal('folder-unsuitable', `nothing can be written into ${folder}`, { cause })
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return ('code' in error && error.code === 'SQLITE_BUSY') || isBusy(error.cause)
}

/** Says that a restore is under way in a folder, and of which backup. */
export function restoreMark(dataDir: string): string {
  return join(dataDir, 'restore.json')
}

/** Half of a backup is no installation. @throws Refusal `backup-incomplete` */
export function demandNoRestore(dataDir: string): void {
  if (existsSync(restoreMark(dataDir)))
    throw new Refusal(
      'backup-incomplete',
      `a restore into ${dataDir} was cut short: run it again, or empty the folder`,
    )
}
