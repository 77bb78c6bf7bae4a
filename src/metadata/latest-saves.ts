import type { Database, SaveRow, Tx } from './schema.ts'

/** Saves of a document that are in flight, or failed so that no stored save holds their edits; newest first. */
export function unfinishedSaves(db: Database, documentId: string): Promise<SaveRow[]> {
  return db
    .selectFrom('saves')
    .selectAll()
    .where('state', 'in', ['receiving', 'failed'])
    .where('document_id', '=', documentId)
    .orderBy('id', 'desc')
    .limit(100)
    .execute()
}

/** Failed saves of a key whose edits no stored save holds. */
export function failedSaves(db: Database, key: string): Promise<SaveRow[]> {
  return db.selectFrom('saves').selectAll().where('state', '=', 'failed').where('key', '=', key).execute()
}

/** Failed saves of a key that somebody has dealt with are edits at risk no more. @returns how many */
export async function settleFailures(tx: Tx, key: string): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('saves')
    .set({ state: 'resolved' })
    .where('state', '=', 'failed')
    .where('key', '=', key)
    .executeTakeFirst()
  return Number(numUpdatedRows)
}
