import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { DiskBlobs } from '../blobs/disk.ts'
import type { Config } from '../config.ts'
import { demandData, lockFolder, type Places } from '../maintenance/places.ts'
import { openCopy, openDatabase, schemaVersion } from '../metadata/database.ts'
import { MIGRATIONS } from '../metadata/migrations/index.ts'
import type { Database } from '../metadata/schema.ts'
import type { Context } from './context.ts'

/** A command has nothing else to do; the service beside it holds the lock for milliseconds. */
const LOCK_WAIT_MS = 10_000

/** Works on the database, beside the service. @throws NewerSchemaError, Refusal `data-missing`, `folder-in-use` */
export async function withDatabase<T>(
  { config, places }: Context,
  work: (database: Database) => Promise<T>,
  { mayBeNew = false } = {},
): Promise<T> {
  if (!mayBeNew) demandData(places)
  const database = await opened(config, places)
  try {
    return await work(database)
  } finally {
    await database.destroy()
  }
}

/** Opening it brings its schema up to date, which a service of an earlier release would not survive. */
async function opened({ DATABASE_URL }: Config, places: Places): Promise<Database> {
  const open = () => openDatabase(DATABASE_URL, undefined, LOCK_WAIT_MS)
  if (!existsSync(places.databaseFile) || (await isCurrent(places))) return open()
  const unlock = lockFolder(
    places.dataDir,
    'a service of an earlier release is running: stop it, or restart it, first',
  )
  return open().finally(unlock)
}

async function isCurrent({ databaseFile }: Places): Promise<boolean> {
  const database = openCopy(databaseFile)
  const version = await schemaVersion(database).finally(() => database.destroy())
  // One that is newer is refused in better words.
  return version === undefined || version >= (Object.keys(MIGRATIONS).at(-1) ?? '')
}

/** Without making anything. */
export function blobsOf({ BLOBS_URL }: Pick<Config, 'BLOBS_URL'>): DiskBlobs {
  return new DiskBlobs({ root: resolve(BLOBS_URL.slice('file:'.length)) })
}

export const clock = () => new Date()
