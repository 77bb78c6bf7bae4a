import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { isPostgres } from './engine.ts'
import { NOW_MS } from './leases.ts'
import type { Database } from './schema.ts'

/**
 * One that takes longer was begun by a process that has ended, or that stands still: S3 refuses what
 * was signed more than 15 minutes ago, and nobody signs a deletion twice, so it deletes nothing when it
 * goes on.
 *
 * Source: Amazon S3, Error responses, RequestTimeTooSkewed.
 */
const LONGEST_MS = 20 * 60_000
const SQLITE_NOW_MS = sql<number>`cast(unixepoch('subsec') * 1000 as integer)`

/** Of one installation, whatever its processes: see `Deletions`. */
export function blobDeletions(database: Database) {
  const now = isPostgres(database) ? NOW_MS : SQLITE_NOW_MS
  const oldest = sql<number>`${now} - ${LONGEST_MS}`

  async function end(sha256: string, token: string): Promise<void> {
    await database
      .transaction()
      .execute((tx) =>
        tx.deleteFrom('blob_deletions').where('sha256', '=', sha256).where('token', '=', token).execute(),
      )
  }

  return {
    async begin(sha256: string): Promise<(() => Promise<void>) | undefined> {
      const token = randomUUID()
      const begun = await database.transaction().execute((tx) =>
        tx
          .insertInto('blob_deletions')
          .values({ sha256, token, since_ms: now })
          .onConflict((conflict) =>
            conflict
              .column('sha256')
              .doUpdateSet({ token, since_ms: now })
              .where('blob_deletions.since_ms', '<=', oldest),
          )
          .returning('sha256')
          .executeTakeFirst(),
      )
      return begun && (() => end(sha256, token))
    },
    async isUnderWay(sha256: string): Promise<boolean> {
      const row = await database
        .selectFrom('blob_deletions')
        .select('sha256')
        .where('sha256', '=', sha256)
        .where('since_ms', '>', oldest)
        .executeTakeFirst()
      return row !== undefined
    },
  }
}
