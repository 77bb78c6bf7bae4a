import { type SqlBool, sql } from 'kysely'
import type { Database, SaveRow, VersionRow } from './schema.ts'

export type KeptVersion = Pick<
  VersionRow,
  'id' | 'document_id' | 'number' | 'kind' | 'size' | 'author_name' | 'updated_at' | 'file_type'
> & { title: string; is_trashed: boolean }

/** Conflict and recovery versions that nobody has dealt with: a label says that somebody has. Newest first. */
export async function undecidedVersions(db: Database, most: number): Promise<KeptVersion[]> {
  const rows = await db
    .selectFrom('versions')
    .innerJoin('documents', 'documents.id', 'versions.document_id')
    .select([
      'versions.id',
      'versions.document_id',
      'versions.number',
      'versions.kind',
      'versions.size',
      'versions.author_name',
      'versions.updated_at',
      'versions.file_type',
      'documents.title',
      'documents.deleted_at',
    ])
    // Written out, not bound: SQLite uses the partial index only for what it can see.
    .where(sql<SqlBool>`versions.kind in ('conflict', 'recovery')`)
    .where('versions.label', 'is', null)
    .where('versions.deleted_at', 'is', null)
    .orderBy('versions.updated_at', 'desc')
    .limit(most)
    .execute()
  return rows.map(({ deleted_at, ...row }) => ({ ...row, is_trashed: deleted_at !== null }))
}

export type SaveAtRisk = SaveRow & { title: string; document_type: string }

/** Failed saves whose edits no stored save holds yet, oldest first, with the names of their documents. */
export function namedSavesAtRisk(db: Database, most: number): Promise<SaveAtRisk[]> {
  return db
    .selectFrom('saves')
    .innerJoin('documents', 'documents.id', 'saves.document_id')
    .selectAll('saves')
    .select(['documents.title', 'documents.file_type as document_type'])
    .where('saves.state', '=', 'failed')
    .orderBy('saves.received_at')
    .limit(most)
    .execute()
}
