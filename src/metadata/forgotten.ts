import type { Database, Schema } from './schema.ts'

/** Notes a forgotten file of ours that waits for somebody. */
export async function noteForgotten(db: Database, key: string, reason: string, now: string): Promise<void> {
  await db
    .insertInto('forgotten')
    .values({ key, reason, first_seen_at: now, last_seen_at: now })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ reason, last_seen_at: now }))
    .execute()
}

/** Drops the notes of files that Document Server no longer has. */
export async function keepForgotten(db: Database, keys: string[]): Promise<void> {
  let query = db.deleteFrom('forgotten')
  if (keys.length > 0) query = query.where('key', 'not in', keys)
  await query.execute()
}

export function forgottenFiles(db: Database): Promise<Schema['forgotten'][]> {
  return db.selectFrom('forgotten').selectAll().orderBy('first_seen_at').execute()
}
