import type { Database, Tx } from './schema.ts'

export type AdmissionRow = { session_key: string; user_id: string; by: string; at: string }

/** One row for each user and what let them in; again only moves its time. */
export async function noteAdmission(tx: Tx, row: AdmissionRow): Promise<void> {
  await tx
    .insertInto('admissions')
    .values(row)
    .onConflict((conflict) => conflict.columns(['session_key', 'user_id', 'by']).doUpdateSet({ at: row.at }))
    .execute()
}

/** What let somebody in to a session that is edited, or since `since`. */
export async function lettingIn(db: Database, since: string): Promise<string[]> {
  const rows = await db
    .selectFrom('admissions')
    .innerJoin('sessions', 'sessions.key', 'admissions.session_key')
    .select('admissions.by')
    .distinct()
    .where((row) =>
      row.or([row('sessions.next_forcesave_at', 'is not', null), row('admissions.at', '>=', since)]),
    )
    .execute()
  return rows.map(({ by }) => by)
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

export async function deleteAdmission(
  db: Database,
  { session_key, user_id, by }: Omit<AdmissionRow, 'at'>,
): Promise<void> {
  await db
    .deleteFrom('admissions')
    .where('session_key', '=', session_key)
    .where('user_id', '=', user_id)
    .where('by', '=', by)
    .execute()
}

export async function pruneAdmissions(db: Database, before: string): Promise<void> {
  await db.deleteFrom('admissions').where('at', '<', before).execute()
}
