import type { Database, DocumentRow } from './schema.ts'

/** A page of the trash, what was deleted last first. */
export function trashedDocuments(
  db: Database,
  { workspaceId, skip, take }: { workspaceId: string; skip: number; take: number },
): Promise<DocumentRow[]> {
  return db
    .selectFrom('documents')
    .selectAll()
    .where('deleted_at', 'is not', null)
    .where('workspace_id', '=', workspaceId)
    .orderBy('deleted_at', 'desc')
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
