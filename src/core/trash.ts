import type { DocumentRow } from '../metadata/schema.ts'
import { countTrashed, trashedDocuments } from '../metadata/trash.ts'
import type { Deps } from './deps.ts'

const DAY_MS = 24 * 3600_000

export type TrashedDocument = DocumentRow & {
  /** ISO 8601, UTC; not before that. Undefined: it stays for ever. */
  erasedAt: string | undefined
}

/** A page of a workspace's trash, what was deleted last first. Past its end: the last page. */
export async function listTrash(
  { database, config }: Pick<Deps, 'database' | 'config'>,
  { workspaceId, skip, take }: { workspaceId: string; skip: number; take: number },
): Promise<{ documents: TrashedDocument[]; totalCount: number; skip: number }> {
  const totalCount = await countTrashed(database, workspaceId)
  const from = Math.min(skip, Math.max(0, Math.ceil(totalCount / take) - 1) * take)
  const rows = await trashedDocuments(database, { workspaceId, skip: from, take })
  const documents = rows.map((row) => ({ ...row, erasedAt: erasedAt(row, config.TRASH_DAYS) }))
  return { documents, totalCount, skip: from }
}

function erasedAt({ deleted_at }: DocumentRow, days: number): string | undefined {
  if (deleted_at === null || days === 0) return undefined
  return new Date(Date.parse(deleted_at) + days * DAY_MS).toISOString()
}
