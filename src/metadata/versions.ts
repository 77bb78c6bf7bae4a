import type { Insertable, Updateable } from 'kysely'
import type { Database, Schema, Tx, VersionRow } from './schema.ts'

export function versionById(db: Database | Tx, id: string): Promise<VersionRow> {
  return db.selectFrom('versions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

/** Undefined also when its bytes were given up. */
export function findVersion(db: Database | Tx, id: string): Promise<VersionRow | undefined> {
  return db
    .selectFrom('versions')
    .selectAll()
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}

const LISTED = [
  'id',
  'document_id',
  'number',
  'kind',
  'session_key',
  'key',
  'sha256',
  'size',
  'file_type',
  'author_id',
  'author_name',
  'description',
  'changes_sha256',
  'json_sha256',
  'label',
  'created_at',
  'updated_at',
  'deleted_at',
] as const

/** Without the `history`: those of many versions together are large. */
export type ListedVersion = Omit<VersionRow, 'history'>

/** Newest first; without those whose bytes were given up. */
export function versionsOf(db: Database, documentId: string): Promise<ListedVersion[]> {
  return db
    .selectFrom('versions')
    .select(LISTED)
    .where('document_id', '=', documentId)
    .where('deleted_at', 'is', null)
    .orderBy('number', 'desc')
    .execute()
}

export function insertVersion(tx: Tx, row: Insertable<Schema['versions']>): Promise<VersionRow> {
  return tx.insertInto('versions').values(row).returningAll().executeTakeFirstOrThrow()
}

export function updateVersion(
  tx: Tx,
  id: string,
  change: Updateable<Schema['versions']>,
): Promise<VersionRow> {
  return tx.updateTable('versions').set(change).where('id', '=', id).returningAll().executeTakeFirstOrThrow()
}
