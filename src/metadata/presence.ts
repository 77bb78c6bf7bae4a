import type { Insertable, Selectable } from 'kysely'
import type { Database, Schema } from './schema.ts'

export type PresenceRow = Selectable<Schema['presence']>

/** Joins, or stays: the session and the time of joining are those of the first call. */
export function upsertPresence(db: Database, row: Insertable<Schema['presence']>): Promise<PresenceRow> {
  return db
    .insertInto('presence')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .columns(['document_id', 'user_id'])
        .doUpdateSet({ user_name: row.user_name, expires_at: row.expires_at }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

export async function deletePresence(db: Database, documentId: string, userId: string): Promise<void> {
  await db
    .deleteFrom('presence')
    .where('document_id', '=', documentId)
    .where('user_id', '=', userId)
    .execute()
}

/** Who joined and has not gone silent, in the order of joining; those who have are forgotten. */
export async function presenceOf(db: Database, documentId: string, now: string): Promise<PresenceRow[]> {
  await db
    .deleteFrom('presence')
    .where('document_id', '=', documentId)
    .where('expires_at', '<=', now)
    .execute()
  return db
    .selectFrom('presence')
    .selectAll()
    .where('document_id', '=', documentId)
    .orderBy('joined_at')
    .orderBy('user_id')
    .execute()
}
