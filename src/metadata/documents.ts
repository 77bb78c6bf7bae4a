import type { Updateable } from 'kysely'
import { noteUndelivered } from './remote-files.ts'
import type { Database, DocumentRow, Schema, Tx, VersionRow } from './schema.ts'
import { indexTitle } from './search.ts'

/** Undefined also when the document is deleted or lies in another workspace than the given one. */
export function findDocument(
  db: Database | Tx,
  id: string,
  workspaceId: string | undefined,
): Promise<DocumentRow | undefined> {
  let query = db.selectFrom('documents').selectAll().where('id', '=', id).where('deleted_at', 'is', null)
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  return query.executeTakeFirst()
}

/** Deleted ones too: saves of deleted documents are stored. */
export function documentById(db: Database | Tx, id: string): Promise<DocumentRow> {
  return db.selectFrom('documents').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
}

/** One in the trash. */
export function findTrashed(
  db: Database | Tx,
  id: string,
  workspaceId: string | undefined,
): Promise<DocumentRow | undefined> {
  let query = db.selectFrom('documents').selectAll().where('id', '=', id).where('deleted_at', 'is not', null)
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  return query.executeTakeFirst()
}

export type NewDocumentRow = Omit<DocumentRow, 'search_row'>

export async function insertDocument(tx: Tx, row: NewDocumentRow): Promise<DocumentRow> {
  const search_row = await indexTitle(tx, { ...row, search_row: null })
  const document = await tx
    .insertInto('documents')
    .values({ ...row, search_row })
    .returningAll()
    .executeTakeFirstOrThrow()
  await setMetadata(tx, document)
  return document
}

/** What changed is found by searches and filters from now on. */
export async function updateDocument(
  tx: Tx,
  id: string,
  change: Updateable<Schema['documents']>,
): Promise<DocumentRow> {
  const document = await tx
    .updateTable('documents')
    .set(change)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirstOrThrow()
  if (change.folded_title !== undefined) await indexTitle(tx, document)
  if (change.metadata !== undefined) await setMetadata(tx, document)
  return document
}

async function setMetadata(tx: Tx, { id, metadata }: DocumentRow): Promise<void> {
  await tx.deleteFrom('document_metadata').where('document_id', '=', id).execute()
  const values = Object.entries(JSON.parse(metadata) as Record<string, unknown>)
  if (values.length === 0) return
  const rows = values.map(([name, value]) => ({ document_id: id, name, value: String(value) }))
  await tx.insertInto('document_metadata').values(rows).execute()
}

/** The document shows these bytes from now on; a file elsewhere that it stands for is to get them. */
export async function setHead(tx: Tx, version: VersionRow, updatedAt: string): Promise<DocumentRow> {
  const { file_type, size } = await documentById(tx, version.document_id)
  await noteUndelivered(tx, version, updatedAt)
  return updateDocument(tx, version.document_id, {
    head_version_id: version.id,
    // Setting a column rewrites its indexes, also to the value that it has.
    ...(file_type === version.file_type ? {} : { file_type: version.file_type }),
    ...(size === version.size ? {} : { size: version.size }),
    updated_at: updatedAt,
  })
}

/** Takes the document's next version number; numbers have no gaps because the caller's transaction keeps both. */
export async function nextVersionNumber(tx: Tx, documentId: string): Promise<number> {
  const { last_version_number } = await tx
    .updateTable('documents')
    .set((row) => ({ last_version_number: row('last_version_number', '+', 1) }))
    .where('id', '=', documentId)
    .returning('last_version_number')
    .executeTakeFirstOrThrow()
  return last_version_number
}

/** Documents whose time in the trash is over, oldest first. */
export function trashedBefore(db: Database, before: string, most: number): Promise<DocumentRow[]> {
  return (
    db
      .selectFrom('documents')
      .selectAll()
      .where('deleted_at', '<', before)
      // Edits of these may still come home.
      .where('id', 'not in', (risky) =>
        risky.selectFrom('saves').select('document_id').where('state', 'in', ['receiving', 'failed']),
      )
      .orderBy('deleted_at')
      .limit(most)
      .execute()
  )
}
