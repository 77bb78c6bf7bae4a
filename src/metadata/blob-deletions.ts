import { sql } from 'kysely'
import { isPostgres } from './engine.ts'
import { NOW_MS } from './leases.ts'
import type { Database } from './schema.ts'

/** A deletion is over within seconds: one that is not was begun by a process that has ended. */
const LONGEST_MS = 120_000
const SQLITE_NOW_MS = sql<number>`cast(unixepoch('subsec') * 1000 as integer)`

/** Of one installation, whatever its processes: see `Deletions`. */
export function blobDeletions(database: Database) {
  const now = isPostgres(database) ? NOW_MS : SQLITE_NOW_MS
  return {
    async begin(sha256: string): Promise<void> {
      await database.transaction().execute((tx) =>
        tx
          .insertInto('blob_deletions')
          .values({ sha256, since_ms: now })
          .onConflict((conflict) => conflict.column('sha256').doUpdateSet({ since_ms: now }))
          .execute(),
      )
    },
    async end(sha256: string): Promise<void> {
      await database
        .transaction()
        .execute((tx) => tx.deleteFrom('blob_deletions').where('sha256', '=', sha256).execute())
    },
    async isUnderWay(sha256: string): Promise<boolean> {
      const row = await database
        .selectFrom('blob_deletions')
        .select('sha256')
        .where('sha256', '=', sha256)
        .where('since_ms', '>', sql<number>`${now} - ${LONGEST_MS}`)
        .executeTakeFirst()
      return row !== undefined
    },
  }
}
