import { resolve } from 'node:path'
import { DiskBlobs } from '../blobs/disk.ts'
import type { Config } from '../config.ts'
import { demandData } from '../maintenance/places.ts'
import { openDatabase } from '../metadata/database.ts'
import type { Database } from '../metadata/schema.ts'
import type { Context } from './context.ts'

/** A command has nothing else to do; the service beside it holds the lock for milliseconds. */
const LOCK_WAIT_MS = 10_000

/** Works on the database, beside the service. @throws NewerSchemaError, Refusal `data-missing` */
export async function withDatabase<T>(
  { config, places }: Context,
  work: (database: Database) => Promise<T>,
  { mayBeNew = false } = {},
): Promise<T> {
  if (!mayBeNew) demandData(places)
  const database = await openDatabase(config.DATABASE_URL, undefined, LOCK_WAIT_MS)
  try {
    return await work(database)
  } finally {
    await database.destroy()
  }
}

/** Without making anything. */
export function blobsOf({ BLOBS_URL }: Pick<Config, 'BLOBS_URL'>): DiskBlobs {
  return new DiskBlobs({ root: resolve(BLOBS_URL.slice('file:'.length)) })
}

export const clock = () => new Date()
