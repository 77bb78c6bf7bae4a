import { sql } from 'kysely'
import type { ActivityRow, Database, Tx } from './schema.ts'

export async function insertActivity(tx: Tx, row: ActivityRow): Promise<void> {
  await tx.insertInto('activity').values(row).execute()
}

export type ActivityQuery = {
  /** Undefined: all workspaces. */
  workspaceId: string | undefined
  documentId?: string | undefined
  action?: string | undefined
  /** Ids from this one on, and those before that one. */
  fromId?: string | undefined
  beforeId?: string | undefined
  /** Ids after this one: where the last page ended. */
  afterId?: string | undefined
  isNewestFirst: boolean
  take: number
}

export function listActivity(db: Database, wanted: ActivityQuery): Promise<ActivityRow[]> {
  const { workspaceId, documentId, action, fromId, beforeId, afterId, isNewestFirst, take } = wanted
  let query = db.selectFrom('activity').selectAll()
  if (documentId !== undefined) {
    query = query.where('document_id', '=', documentId)
    // An expression, so that the document's index is taken and not that of all that the workspace did.
    if (workspaceId !== undefined) query = query.where(sql`workspace_id || ''`, '=', workspaceId)
  } else if (workspaceId !== undefined) {
    query = query.where('workspace_id', '=', workspaceId)
  }
  if (action !== undefined) query = query.where('action', '=', action)
  if (fromId !== undefined) query = query.where('id', '>=', fromId)
  if (beforeId !== undefined) query = query.where('id', '<', beforeId)
  if (afterId !== undefined) query = query.where('id', '>', afterId)
  return query
    .orderBy('id', isNewestFirst ? 'desc' : 'asc')
    .limit(take)
    .execute()
}

const MOST_LOOKED_AT = 1000

/** What the users of these documents were called there, latest last. */
export async function actorNames(
  db: Database,
  users: { documentId: string; userId: string }[],
): Promise<Pick<ActivityRow, 'actor_id' | 'actor_name'>[]> {
  if (users.length === 0) return []
  const rows = await db
    .selectFrom('activity')
    .select(['actor_id', 'actor_name'])
    .where('document_id', 'in', [...new Set(users.map(({ documentId }) => documentId))])
    .where('actor_id', 'in', [...new Set(users.map(({ userId }) => userId))])
    .orderBy('id', 'desc')
    .limit(MOST_LOOKED_AT)
    .execute()
  return rows.reverse()
}

/** @returns how many were forgotten, at most `most` */
export async function deleteActivityBefore(db: Database, id: string, most: number): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('activity')
    .where('id', 'in', (old) =>
      old.selectFrom('activity').select('id').where('id', '<', id).orderBy('id').limit(most),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}

/** Ids are in the order of time; '' when nothing has happened yet. */
export async function newestActivityId(db: Database): Promise<string> {
  const newest = await db
    .selectFrom('activity')
    .select('id')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return newest?.id ?? ''
}
