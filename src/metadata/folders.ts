import { sql } from 'kysely'
import { inFolder } from './in-folder.ts'
import type { Database, Tx } from './schema.ts'

export type FolderCount = { folder: string; count: number }

/** All folders at and below a path that hold documents, with how many lie directly in each. */
export async function foldersBelow(
  db: Database,
  { workspaceId, path }: { workspaceId: string | undefined; path: string },
): Promise<FolderCount[]> {
  let query = db
    .selectFrom('document_counts')
    .select((row) => ['folder', row.fn.sum<number>('count').as('count')])
    .where('is_deleted', '=', 0)
    .where('count', '>', 0)
    .where(inFolder(db, { path, isDeep: true }))
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  const rows = await query.groupBy('folder').orderBy('folder').execute()
  return rows.map(({ folder, count }) => ({ folder, count: Number(count) }))
}

/** Moves some of the documents at and below a folder, those in the trash too. @returns how many */
export async function moveSome(
  tx: Tx,
  {
    workspaceId,
    from,
    to,
    now,
    most,
  }: { workspaceId: string; from: string; to: string; now: string; most: number },
): Promise<number> {
  const rest = from === '/' ? sql<string>`folder` : sql<string>`substr(folder, ${[...from].length + 1})`
  // Of the root's own documents nothing is left but a slash.
  const moved = sql<string>`case when folder = ${from} then ${to} else ${to === '/' ? '' : to} || ${rest} end`
  const { numUpdatedRows } = await tx
    .updateTable('documents')
    .set({ folder: moved, updated_at: now })
    .where('id', 'in', (some) =>
      some
        .selectFrom('documents')
        .select('id')
        .where('workspace_id', '=', workspaceId)
        .where(inFolder(tx, { path: from, isDeep: true }))
        .limit(most),
    )
    .executeTakeFirst()
  return Number(numUpdatedRows)
}
