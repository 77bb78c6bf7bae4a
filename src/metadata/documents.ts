import { type Insertable, sql, type Updateable } from 'kysely'
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

/** Also one in the trash. */
export async function findTrashed(
  db: Database | Tx,
  id: string,
  workspaceId: string | undefined,
): Promise<DocumentRow | undefined> {
  let query = db.selectFrom('documents').selectAll().where('id', '=', id).where('deleted_at', 'is not', null)
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  return query.executeTakeFirst()
}

export const SORT_COLUMNS = ['created_at', 'updated_at', 'title', 'file_type', 'size'] as const

export type DocumentQuery = {
  /** Undefined: all workspaces. */
  workspaceId: string | undefined
  isDeleted: boolean
  fileTypes: readonly string[] | undefined
  /** Folded text that the title holds. */
  search: string | undefined
  sortBy: (typeof SORT_COLUMNS)[number]
  isDescending: boolean
  skip: number
  take: number
}

/** One page, with the number of all that fit. */
export async function listDocuments(
  db: Database,
  wanted: DocumentQuery,
): Promise<{ documents: DocumentRow[]; totalCount: number }> {
  const { workspaceId, isDeleted, fileTypes, search, sortBy, isDescending, skip, take } = wanted
  let query = db.selectFrom('documents').where('deleted_at', isDeleted ? 'is not' : 'is', null)
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  if (fileTypes !== undefined) query = query.where('file_type', 'in', fileTypes)
  if (search !== undefined) {
    query = query.where(sql<boolean>`folded_title like ${`%${escapedLike(search)}%`} escape '!'`)
  }
  const direction = isDescending ? 'desc' : 'asc'
  const [documents, { total }] = await Promise.all([
    query.selectAll().orderBy(sortBy, direction).orderBy('id', direction).limit(take).offset(skip).execute(),
    query.select((row) => row.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { documents, totalCount: Number(total) }
}

function escapedLike(text: string): string {
  return text.replace(/[!%_]/g, (sign) => `!${sign}`)
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
