import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/**
 * Makes this process the only service on a data folder: a second one would take the first one's
 * saves for leftovers. The lock is SQLite's, which the system frees whatever way the process ends.
 *
 * @returns frees it
 * @throws Error when another process holds it, or the folder cannot be written
 */
export function lockDataFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true })
  const lock = openLock(dataDir)
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    const isHeld = cause instanceof Sqlite.SqliteError && cause.code === 'SQLITE_BUSY'
    if (!isHeld) throw unusable(dataDir, cause)
    throw new Error(`another docs-connector is running on ${dataDir}`, { cause })
  }
  return () => lock.close()
}

function openLock(dataDir: string): Sqlite.Database {
  try {
    return new Sqlite(join(dataDir, 'service.lock'), { timeout: 0 })
  } catch (cause) {
    throw unusable(dataDir, cause)
  }
}

function unusable(dataDir: string, cause: unknown): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new Error(`the data folder ${dataDir} cannot be used: ${why}`, { cause })
}
