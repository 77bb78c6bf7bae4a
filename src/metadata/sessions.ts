import type { Insertable, Updateable } from 'kysely'
import type { Database, Schema, SessionRow, Tx, VersionRow } from './schema.ts'

export function sessionByKey(db: Database | Tx, key: string): Promise<SessionRow | undefined> {
  return db.selectFrom('sessions').selectAll().where('key', '=', key).executeTakeFirst()
}

/** The one session of the document that no new head has superseded. */
export function currentSession(db: Database | Tx, documentId: string): Promise<SessionRow | undefined> {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('document_id', '=', documentId)
    .where('superseded_at', 'is', null)
    .executeTakeFirst()
}

/** Does nothing when another opener was first. */
export async function insertSessionIfNone(
  db: Database | Tx,
  row: Insertable<Schema['sessions']>,
): Promise<void> {
  await db
    .insertInto('sessions')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function updateSession(
  db: Database | Tx,
  key: string,
  change: Updateable<Schema['sessions']>,
): Promise<void> {
  await db.updateTable('sessions').set(change).where('key', '=', key).execute()
}

/** The session's next save makes another version in this one's stead. */
export async function detachVersion(tx: Tx, { id, session_key }: VersionRow): Promise<void> {
  if (session_key === null) return
  for (const column of ['draft_version_id', 'conflict_version_id', 'recovery_version_id'] as const) {
    const row = tx.updateTable('sessions').set({ [column]: null })
    await row.where('key', '=', session_key).where(column, '=', id).execute()
  }
}

/** Puts the session on the tick unless it is on it already. */
export async function startTicking(
  db: Database | Tx,
  key: string,
  firstAt: string,
  change: Updateable<Schema['sessions']>,
): Promise<void> {
  await db
    .updateTable('sessions')
    .set((row) => ({
      ...change,
      next_forcesave_at: row.fn.coalesce('next_forcesave_at', row.val(firstAt)),
    }))
    .where('key', '=', key)
    .execute()
}

/** Due: the turn has come, or it is so far ahead that only a wrong clock can have set it. */
type Due = { now: string; farAhead: string }

/** A read, so that a quiet second costs no write lock. */
export async function isAnySessionDue(db: Database, { now, farAhead }: Due): Promise<boolean> {
  const row = await db
    .selectFrom('sessions')
    .select('key')
    .where((it) => it.or([it('next_forcesave_at', '<=', now), it('next_forcesave_at', '>', farAhead)]))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

/** Takes due sessions and moves their next turn, in one statement, so that no two nodes take the same one. */
export function claimDueSessions(
  db: Database,
  { now, farAhead, nextAt, most }: Due & { nextAt: string; most: number },
): Promise<SessionRow[]> {
  return db
    .updateTable('sessions')
    .set({ next_forcesave_at: nextAt })
    .where('key', 'in', (due) =>
      due
        .selectFrom('sessions')
        .select('key')
        .where((it) => it.or([it('next_forcesave_at', '<=', now), it('next_forcesave_at', '>', farAhead)]))
        .orderBy('next_forcesave_at')
        .limit(most),
    )
    .where((it) => it.or([it('next_forcesave_at', '<=', now), it('next_forcesave_at', '>', farAhead)]))
    .returningAll()
    .execute()
}

/** Documents that have a session on the tick. */
export async function countTickingSessions(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('sessions')
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('next_forcesave_at', 'is not', null)
    .executeTakeFirstOrThrow()
  return Number(count)
}
