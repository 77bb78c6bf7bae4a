import type { Database, SessionRow } from './schema.ts'

export type OpenSession = Pick<
  SessionRow,
  'key' | 'document_id' | 'editors' | 'opened_at' | 'superseded_at'
> & {
  title: string
  file_type: string
  workspace_id: string
  /** When its newest save was stored. */
  saved_at: string | null
}

/** Sessions that somebody may have open, the oldest first. */
export function openSessions(db: Database, most: number): Promise<OpenSession[]> {
  return db
    .selectFrom('sessions')
    .innerJoin('documents', 'documents.id', 'sessions.document_id')
    .leftJoin('saves', 'saves.id', 'sessions.latest_save_id')
    .select([
      'sessions.key',
      'sessions.document_id',
      'sessions.editors',
      'sessions.opened_at',
      'sessions.superseded_at',
      'documents.title',
      'documents.file_type',
      'documents.workspace_id',
      'saves.finished_at as saved_at',
    ])
    .where('next_forcesave_at', 'is not', null)
    .orderBy('sessions.opened_at')
    .limit(most)
    .execute()
}

/** Names that a workspace knows its users by, as `<workspace> <user>`. */
export async function namesOfPeople(
  db: Database,
  { workspaceIds, userIds }: { workspaceIds: string[]; userIds: string[] },
): Promise<Map<string, string>> {
  if (userIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('people')
    .select(['workspace_id', 'id', 'name'])
    .where('workspace_id', 'in', workspaceIds)
    .where('id', 'in', userIds)
    .execute()
  return new Map(rows.map((row) => [`${row.workspace_id} ${row.id}`, row.name]))
}
