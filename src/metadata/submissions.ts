import type { Selectable } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type SubmissionRow = Selectable<Schema['submissions']>
export type FillingRow = Selectable<Schema['fillings']>

export async function insertSubmission(tx: Tx, row: SubmissionRow): Promise<void> {
  await tx.insertInto('submissions').values(row).execute()
}

/** One of the same session, user, last change and bytes. */
export async function hasEqualSubmission(
  tx: Tx,
  wanted: { key: string; userId: string; lastsave: string | null; sha256: string },
): Promise<boolean> {
  const row = await tx
    .selectFrom('submissions')
    .innerJoin('saves', 'saves.id', 'submissions.save_id')
    .select('submissions.id')
    .where('saves.key', '=', wanted.key)
    .where('saves.lastsave', 'is not distinct from', wanted.lastsave)
    .where('submissions.user_id', '=', wanted.userId)
    .where('submissions.sha256', '=', wanted.sha256)
    .executeTakeFirst()
  return row !== undefined
}

/** Newest first. */
export function submissionsOf(
  db: Database,
  documentId: string,
  { skip, take }: { skip: number; take: number },
): Promise<SubmissionRow[]> {
  return db
    .selectFrom('submissions')
    .selectAll()
    .where('document_id', '=', documentId)
    .orderBy('id', 'desc')
    .limit(take)
    .offset(skip)
    .execute()
}

/** @param userId undefined: of all users */
export async function countSubmissions(db: Database, documentId: string, userId?: string): Promise<number> {
  let query = db.selectFrom('submissions').where('document_id', '=', documentId)
  if (userId !== undefined) query = query.where('user_id', '=', userId)
  const { count } = await query.select((row) => row.fn.countAll().as('count')).executeTakeFirstOrThrow()
  return Number(count)
}

/** Undefined also for another document's. */
export function findSubmission(
  db: Database,
  documentId: string,
  id: string,
): Promise<SubmissionRow | undefined> {
  return db
    .selectFrom('submissions')
    .selectAll()
    .where('id', '=', id)
    .where('document_id', '=', documentId)
    .executeTakeFirst()
}

export async function upsertFilling(tx: Tx, row: FillingRow): Promise<void> {
  const { document_id, ...rest } = row
  await tx
    .insertInto('fillings')
    .values(row)
    .onConflict((conflict) => conflict.column('document_id').doUpdateSet(rest))
    .execute()
}

export function fillingOf(db: Database, documentId: string): Promise<FillingRow | undefined> {
  return db.selectFrom('fillings').selectAll().where('document_id', '=', documentId).executeTakeFirst()
}
