import { type SqlBool, sql } from 'kysely'
import type { Database, DocumentRow } from './schema.ts'

/**
 * A page of the trash, what was deleted last first.
 *
 * @param isFew the workspace has so few that they are found by it and sorted, not along the order of all
 */
export function trashedDocuments(
  db: Database,
  { workspaceId, skip, take, isFew }: { workspaceId: string; skip: number; take: number; isFew: boolean },
): Promise<DocumentRow[]> {
  // What a plus sign stands before chooses no index in SQLite: sqlite.org/optoverview.html §2
  const [ofOrder, ofWorkspace] = isFew ? [sql`+`, sql``] : [sql``, sql`+`]
  return db
    .selectFrom('documents')
    .selectAll()
    .where('deleted_at', 'is not', null)
    .where(sql<SqlBool>`${ofWorkspace}workspace_id = ${workspaceId}`)
    .orderBy(sql`${ofOrder}deleted_at`, 'desc')
    .orderBy('id', 'desc')
    .limit(take)
    .offset(skip)
    .execute()
}

export async function countTrashed(db: Database, workspaceId: string): Promise<number> {
  const { total } = await db
    .selectFrom('document_counts')
    .select((row) => row.fn.coalesce(row.fn.sum<number>('count'), row.lit(0)).as('total'))
    .where('workspace_id', '=', workspaceId)
    .where('is_deleted', '=', 1)
    .executeTakeFirstOrThrow()
  return Number(total)
}
