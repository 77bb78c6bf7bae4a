import type { Insertable, Selectable } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type LinkRow = Selectable<Schema['links']>

export async function insertLink(tx: Tx, row: Insertable<Schema['links']>): Promise<LinkRow> {
  return tx.insertInto('links').values(row).returningAll().executeTakeFirstOrThrow()
}

export function linkById(db: Database | Tx, id: string): Promise<LinkRow | undefined> {
  return db.selectFrom('links').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Newest first, those that ended among them. */
export function linksOf(db: Database, documentId: string): Promise<LinkRow[]> {
  return db
    .selectFrom('links')
    .selectAll()
    .where('document_id', '=', documentId)
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(500)
    .execute()
}

/** @returns undefined when there is none that still works */
export function endLink(
  tx: Tx,
  { id, documentId, now }: { id: string; documentId: string; now: string },
): Promise<LinkRow | undefined> {
  return tx
    .updateTable('links')
    .set({ revoked_at: now })
    .where('id', '=', id)
    .where('document_id', '=', documentId)
    .where('revoked_at', 'is', null)
    .returningAll()
    .executeTakeFirst()
}

/** All of a document's that an API key has made. */
export async function endLinksOfKey(
  tx: Tx,
  { documentId, apiKeyId, now }: { documentId: string; apiKeyId: string; now: string },
): Promise<void> {
  await tx
    .updateTable('links')
    .set({ revoked_at: now })
    .where('document_id', '=', documentId)
    .where('api_key_id', '=', apiKeyId)
    .where('revoked_at', 'is', null)
    .execute()
}
