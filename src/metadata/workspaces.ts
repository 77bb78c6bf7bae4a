import type { Database, Schema } from './schema.ts'

export type Workspace = Pick<Schema['workspaces'], 'id' | 'name'>

/** The oldest first: `default` is the first. */
export function listWorkspaces(db: Database, most: number): Promise<Workspace[]> {
  return db
    .selectFrom('workspaces')
    .select(['id', 'name'])
    .orderBy('created_at')
    .orderBy('id')
    .limit(most)
    .execute()
}

export function findWorkspace(db: Database, id: string): Promise<Workspace | undefined> {
  return db.selectFrom('workspaces').select(['id', 'name']).where('id', '=', id).executeTakeFirst()
}
