import type { Insertable, Updateable } from 'kysely'
import type { Database, Schema, Tx, VersionRow } from './schema.ts'

export function versionById(db: Database | Tx, id: string): Promise<VersionRow> {
  return db.selectFrom('versions').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

export function findVersion(db: Database | Tx, id: string): Promise<VersionRow | undefined> {
  return db.selectFrom('versions').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Newest first. */
export function versionsOf(db: Database, documentId: string): Promise<VersionRow[]> {
  return db
    .selectFrom('versions')
    .selectAll()
    .where('document_id', '=', documentId)
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
