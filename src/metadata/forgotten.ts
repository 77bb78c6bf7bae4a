import type { Database, Schema, Tx } from './schema.ts'

export type ForgottenFile = Schema['forgotten']

/** Notes a forgotten file of ours that waits for somebody. Without a fingerprint the earlier one stays. */
export async function noteForgotten(
  db: Database | Tx,
  {
    key,
    reason,
    fingerprint,
    now,
  }: { key: string; reason: string; fingerprint?: string | undefined; now: string },
): Promise<void> {
  const looked = fingerprint === undefined ? {} : { fingerprint }
  await db
    .insertInto('forgotten')
    .values({ key, reason, first_seen_at: now, last_seen_at: now, ...looked })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ reason, last_seen_at: now, ...looked }))
    .execute()
}

/** Drops the notes of files that Document Server no longer has. */
export async function dropForgottenBut(db: Database, keys: string[]): Promise<void> {
  const kept = new Set(keys)
  for (const { key } of await forgottenFiles(db)) {
    if (!kept.has(key)) await db.deleteFrom('forgotten').where('key', '=', key).execute()
  }
}

/** Document Server has it no more, or nobody needs it there. */
export async function dropForgotten(db: Database, key: string): Promise<void> {
  await db.deleteFrom('forgotten').where('key', '=', key).execute()
}

export function forgottenFile(db: Database, key: string): Promise<ForgottenFile | undefined> {
  return db.selectFrom('forgotten').selectAll().where('key', '=', key).executeTakeFirst()
}

export function forgottenFiles(db: Database): Promise<ForgottenFile[]> {
  return db.selectFrom('forgotten').selectAll().orderBy('first_seen_at').execute()
}
