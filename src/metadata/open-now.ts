import type { Database, SessionRow } from './schema.ts'

export type Opening = { documentId: string; userId: string; userName: string }

/** Who joined the documents by REST, and who is connected to the hub. */
export async function joinedNow(db: Database, documentIds: string[], now: string): Promise<Opening[]> {
  const joined = db
    .selectFrom('presence')
    .select(['document_id', 'user_id', 'user_name'])
    .where('document_id', 'in', documentIds)
    .where('expires_at', '>', now)
  const connected = db
    .selectFrom('room_members')
    .select(['document_id', 'user_id', 'user_name'])
    .where('document_id', 'in', documentIds)
    .where('expires_at', '>', now)
  const rows = await joined.unionAll(connected).execute()
  return rows.map((row) => ({
    documentId: row.document_id,
    userId: row.user_id,
    userName: row.user_name,
  }))
}

/** The sessions of the documents in which Document Server named somebody last. */
export function editedNow(db: Database, documentIds: string[]): Promise<SessionRow[]> {
  return db
    .selectFrom('sessions')
    .selectAll()
    .where('document_id', 'in', documentIds)
    .where('superseded_at', 'is', null)
    .where('editors', '<>', '[]')
    .execute()
}
