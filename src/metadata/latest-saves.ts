import type { Database, SaveRow } from './schema.ts'

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
