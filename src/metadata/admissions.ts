import type { Selectable } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type AdmissionRow = Selectable<Schema['admissions']>

/** One row for each user and what let them in; again only moves its times. */
export async function noteAdmission(tx: Tx, row: Omit<AdmissionRow, 'dropped_at'>): Promise<void> {
  const { at, expires_at, may_edit } = row
  await tx
    .insertInto('admissions')
    .values({ ...row, dropped_at: null })
    .onConflict((conflict) =>
      conflict
        .columns(['session_key', 'user_id', 'by'])
        .doUpdateSet({ at, expires_at, may_edit, dropped_at: null }),
    )
    .execute()
}

/** What let somebody in to a session that is edited, or since `since`. */
export async function lettingIn(
  db: Database,
  since: string,
): Promise<Pick<AdmissionRow, 'by' | 'expires_at'>[]> {
  return db
    .selectFrom('admissions')
    .innerJoin('sessions', 'sessions.key', 'admissions.session_key')
    .select(['admissions.by', 'admissions.expires_at'])
    .distinct()
    .where((row) =>
      row.or([row('sessions.next_forcesave_at', 'is not', null), row('admissions.at', '>=', since)]),
    )
    .execute()
}

/** All that were let in to the sessions which one of `bys` let somebody in to. */
export function admissionsBeside(db: Database, bys: string[]): Promise<AdmissionRow[]> {
  return db
    .selectFrom('admissions')
    .selectAll()
    .where('session_key', 'in', (entered) =>
      entered.selectFrom('admissions').select('session_key').where('by', 'in', bys),
    )
    .execute()
}

type Name = Pick<AdmissionRow, 'session_key' | 'user_id' | 'by'>

export async function noteDropped(
  db: Database,
  { session_key, user_id, by }: Name,
  at: string,
): Promise<void> {
  await db
    .updateTable('admissions')
    .set({ dropped_at: at })
    .where('session_key', '=', session_key)
    .where('user_id', '=', user_id)
    .where('by', '=', by)
    .execute()
}

/** @param droppedBefore of those that were let in before it: nothing they hold opens a session any more */
export async function pruneAdmissions(
  db: Database,
  { before, droppedBefore }: { before: string; droppedBefore: string },
): Promise<void> {
  await db
    .deleteFrom('admissions')
    .where((row) =>
      row.or([
        row('at', '<', before),
        row.and([row('dropped_at', 'is not', null), row('at', '<', droppedBefore)]),
      ]),
    )
    .execute()
}
