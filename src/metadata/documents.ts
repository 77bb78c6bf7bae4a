import type { Insertable, Updateable } from 'kysely'
import type { Database, DocumentRow, Schema, Tx, VersionRow } from './schema.ts'

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

/** Newest first, with the number of all. */
export async function listDocuments(
  db: Database,
  workspaceId: string | undefined,
  { skip, take }: { skip: number; take: number },
): Promise<{ documents: DocumentRow[]; totalCount: number }> {
  let query = db.selectFrom('documents').where('deleted_at', 'is', null)
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  const [documents, { total }] = await Promise.all([
    query.selectAll().orderBy('updated_at', 'desc').orderBy('id', 'desc').limit(take).offset(skip).execute(),
    query.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { documents, totalCount: Number(total) }
}

export async function insertDocument(tx: Tx, row: Insertable<Schema['documents']>): Promise<void> {
  await tx.insertInto('documents').values(row).execute()
}

export async function updateDocument(
  tx: Tx,
  id: string,
  change: Updateable<Schema['documents']>,
): Promise<void> {
  await tx.updateTable('documents').set(change).where('id', '=', id).execute()
}

/** The document shows these bytes from now on. */
export function setHead(tx: Tx, version: VersionRow, updatedAt: string): Promise<void> {
  return updateDocument(tx, version.document_id, {
    head_version_id: version.id,
    file_type: version.file_type,
    size: version.size,
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
