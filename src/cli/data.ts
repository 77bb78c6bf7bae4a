import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { DiskBlobs } from '../blobs/disk.ts'
import { type OpenedBlobs, openBlobs } from '../blobs/open-blobs.ts'
import type { Config } from '../config.ts'
import { blobsRoot, demandData, isOnDisk, lockFolder } from '../maintenance/places.ts'
import { Refusal } from '../maintenance/refusal.ts'
import { blobDeletions } from '../metadata/blob-deletions.ts'
import {
  databasePath,
  demandKnownSchema,
  isSqlite,
  openBeside,
  openDatabase,
  schemaVersion,
} from '../metadata/database.ts'
import { MIGRATIONS } from '../metadata/migrations/index.ts'
import type { Database } from '../metadata/schema.ts'
import { openCopy } from '../metadata/sqlite.ts'
import type { Context } from './context.ts'

/** A command has nothing else to do; the service beside it holds the lock for milliseconds. */
const LOCK_WAIT_MS = 10_000

type OpenOptions = {
  /** One that is not there is made. */
  mayBeNew?: boolean
}

/**
 * Works on the database, beside the service.
 *
 * @throws NewerSchemaError, Refusal `data-missing`, `folder-in-use`, `schema-older`
 */
export async function withDatabase<T>(
  { config }: Pick<Context, 'config'>,
  work: (database: Database) => Promise<T>,
  options: OpenOptions = {},
): Promise<T> {
  const database = await (isSqlite(config.DATABASE_URL)
    ? openedSqlite(config, options)
    : openedPostgres(config, options))
  try {
    return await work(database)
  } finally {
    await database.destroy()
  }
}

/** Opening it brings its schema up to date, which a service of an earlier release would not survive. */
async function openedSqlite(
  { DATABASE_URL, DATA_DIR }: Config,
  { mayBeNew = false }: OpenOptions,
): Promise<Database> {
  const databaseFile = resolve(databasePath(DATABASE_URL))
  if (!mayBeNew) demandData({ databaseFile })
  const open = () => openDatabase(DATABASE_URL, { lockWaitMs: LOCK_WAIT_MS })
  if (!existsSync(databaseFile) || (await isCurrent(databaseFile))) return open()
  const unlock = lockFolder(
    resolve(DATA_DIR),
    'a service of an earlier release is running: stop it, or restart it, first',
  )
  return open().finally(unlock)
}

async function isCurrent(databaseFile: string): Promise<boolean> {
  const database = openCopy(databaseFile)
  const version = await schemaVersion(database).finally(() => database.destroy())
  // One that is newer is refused in better words.
  return version === undefined || version >= LATEST
}

const LATEST = Object.keys(MIGRATIONS).at(-1) ?? ''

/** Several nodes may be at work, of an earlier release some of them: nobody but the service brings it up to date. */
async function openedPostgres(config: Config, { mayBeNew = false }: OpenOptions): Promise<Database> {
  const database = await openBeside(config.DATABASE_URL)
  try {
    const version = await schemaVersion(database)
    demandKnownSchema(version)
    if (version === LATEST) return database
    if (version !== undefined)
      throw new Refusal(
        'schema-older',
        `the database is of an earlier release (its schema is ${version}): start the service of this one first`,
      )
    if (!mayBeNew)
      throw new Refusal('data-missing', 'there is nothing in this database: is DATABASE_URL right?')
  } catch (error) {
    await database.destroy()
    throw error
  }
  await database.destroy()
  return openDatabase(config.DATABASE_URL, { pool: config.DATABASE_POOL })
}

type BlobsConfig = Pick<Config, 'BLOBS_URL' | 'DATA_DIR'>

/** For reading: where blobs lie on disk, nothing is made. */
export async function withBlobs<T>(
  config: BlobsConfig,
  work: (blobs: OpenedBlobs) => Promise<T>,
): Promise<T> {
  const blobs = isOnDisk(config.BLOBS_URL)
    ? new DiskBlobs({ root: blobsRoot(config.BLOBS_URL) })
    : await openBlobs({ ...config, BLOB_CACHE_BYTES: 0 })
  return work(blobs).finally(() => blobs.close())
}

/** The service beside it has the cache for itself. @throws Problem `storage-unavailable` */
export function openForWriting(
  { BLOBS_URL, DATA_DIR }: BlobsConfig,
  database: Database,
): Promise<OpenedBlobs> {
  const deletions = blobDeletions(database)
  return openBlobs({ BLOBS_URL, DATA_DIR, BLOB_CACHE_BYTES: 0 }, { deletions })
}

export const clock = () => new Date()
