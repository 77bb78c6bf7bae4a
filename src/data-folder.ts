import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'

/**
 * Makes this process the only service on a data folder: a second one would take the first one's
 * saves for leftovers. The lock is SQLite's, which the system frees whatever way the process ends.
 *
 * @returns frees it
 * @throws Error when another process holds it
 */
export function lockDataFolder(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true })
  const lock = new Sqlite(join(dataDir, 'service.lock'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
  } catch (cause) {
    lock.close()
    throw new Error(`another docs-connector is running on ${dataDir}`, { cause })
  }
  return () => lock.close()
}
