import type { ApiKeyRow, Database } from './schema.ts'

/** Keys that reach a workspace's documents now, the oldest first. */
export function keysOfWorkspace(
  db: Database,
  { workspaceId, now, most }: { workspaceId: string; now: string; most: number },
): Promise<Pick<ApiKeyRow, 'name' | 'permissions'>[]> {
  return db
    .selectFrom('api_keys')
    .select(['name', 'permissions'])
    .where('workspace_id', '=', workspaceId)
    .where('revoked_at', 'is', null)
    .where((row) => row.or([row('expires_at', 'is', null), row('expires_at', '>', now)]))
    .orderBy('created_at')
    .orderBy('id')
    .limit(most)
    .execute()
}
