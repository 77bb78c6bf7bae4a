import * as fs from 'node:fs/promises'
import Sqlite from 'better-sqlite3'

/** So many pages are copied before others have their turn. */
const PAGES_PER_STEP = 2000

/**
 * Copies a database file while others write to it: one consistent state, that of the beginning, in one file.
 *
 * The read transaction is what makes it end: SQLite's backup begins anew whenever another process
 * has written, unless its connection holds a snapshot. Source: sqlite.org/c3ref/backup_finish.html.
 *
 * @param to a file that is replaced; nobody but its user may ever look into it
 * @throws SqliteError `SQLITE_CORRUPT`
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  await fs.rm(to, { force: true })
  await fs.writeFile(to, '', { mode: 0o600, flag: 'wx' })
  const source = new Sqlite(from, { readonly: true, fileMustExist: true, timeout: 10_000 })
  try {
    source.exec('begin')
    source.prepare('select 1 from sqlite_master').get()
    await source.backup(to, { progress: () => PAGES_PER_STEP })
    source.exec('commit')
  } finally {
    source.close()
  }
  const copy = new Sqlite(to)
  try {
    // In WAL mode, reading the copy would put files beside it.
    copy.pragma('journal_mode = DELETE')
    // Pages are copied as they are: a damaged copy must not take the place of a sound one.
    const found = copy.pragma('quick_check(1)', { simple: true })
    if (found !== 'ok') throw new Sqlite.SqliteError(String(found), 'SQLITE_CORRUPT')
  } finally {
    copy.close()
  }
}
