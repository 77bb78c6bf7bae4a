import { sql } from 'kysely'
import { isPostgres } from './engine.ts'
import type { Database } from './schema.ts'

export type ExportedDocument = {
  id: string
  workspaceId: string
  workspaceName: string
  folder: string
  title: string
  fileType: string
  /** Of the head. */
  sha256: string
  updatedAt: string
}

const AT_ONCE = 500

/**
 * Documents that are not in the trash, with what each shows now, folder by folder. All are read of
 * one state: one that is moved meanwhile is neither left out nor given twice. Until the end the
 * connection cannot write.
 */
export async function* exportedDocuments(
  db: Database,
  workspaceId: string | undefined,
): AsyncGenerator<ExportedDocument> {
  if (isPostgres(db)) {
    const tx = await db.startTransaction().execute()
    try {
      yield* documentsByFolder(tx, workspaceId)
    } finally {
      await tx.rollback().execute()
    }
    return
  }
  await sql`begin deferred`.execute(db)
  try {
    yield* documentsByFolder(db, workspaceId)
  } finally {
    await sql`rollback`.execute(db)
  }
}

async function* documentsByFolder(
  db: Database,
  workspaceId: string | undefined,
): AsyncGenerator<ExportedDocument> {
  for (const workspace of await workspaces(db, workspaceId)) {
    for (const folder of await foldersOf(db, workspace.id)) {
      for (let after = ''; ; ) {
        const rows = await db
          .selectFrom('documents')
          .innerJoin('versions', 'versions.id', 'documents.head_version_id')
          .select([
            'documents.id',
            'documents.folder',
            'documents.title',
            'versions.file_type as fileType',
            'versions.sha256',
            'documents.updated_at as updatedAt',
          ])
          .where('documents.workspace_id', '=', workspace.id)
          .where('documents.folder', '=', folder)
          .where('documents.deleted_at', 'is', null)
          .where('documents.id', '>', after)
          .orderBy('documents.id')
          .limit(AT_ONCE)
          .execute()
        yield* rows.map((row) => ({ ...row, workspaceId: workspace.id, workspaceName: workspace.name }))
        after = rows.at(-1)?.id ?? ''
        if (rows.length < AT_ONCE) break
      }
    }
  }
}

export async function countExported(db: Database, workspaceId: string | undefined): Promise<number> {
  let query = db
    .selectFrom('documents')
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('deleted_at', 'is', null)
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  return Number((await query.executeTakeFirstOrThrow()).count)
}

function workspaces(db: Database, id: string | undefined): Promise<{ id: string; name: string }[]> {
  let query = db.selectFrom('workspaces').select(['id', 'name']).orderBy('created_at').orderBy('id')
  if (id !== undefined) query = query.where('id', '=', id)
  return query.execute()
}

async function foldersOf(db: Database, workspaceId: string): Promise<string[]> {
  const rows = await db
    .selectFrom('document_counts')
    .select('folder')
    .distinct()
    .where('workspace_id', '=', workspaceId)
    .where('is_deleted', '=', 0)
    .where('count', '>', 0)
    .orderBy('folder')
    .execute()
  return rows.map(({ folder }) => folder)
}
