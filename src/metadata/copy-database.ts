import Sqlite from 'better-sqlite3'

/** So many pages are copied before others have their turn. */
const PAGES_PER_STEP = 2000

/**
 * Copies a database file while others write to it: one consistent state, that of the beginning, in one file.
 *
 * The read transaction is what makes it end: SQLite's backup begins anew whenever another process
 * has written, unless its connection holds a snapshot. Source: sqlite.org/c3ref/backup_finish.html.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
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
  } finally {
    copy.close()
  }
}
