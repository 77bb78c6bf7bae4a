import { sql } from 'kysely'
import { type Database, DEFAULT_WORKSPACE_ID, type Schema } from './schema.ts'

export type Workspace = Pick<Schema['workspaces'], 'id' | 'name'>

/** The default one first, then by name. */
export function listWorkspaces(db: Database, most: number): Promise<Workspace[]> {
  return db
    .selectFrom('workspaces')
    .select(['id', 'name'])
    .orderBy((row) => row.case().when('id', '=', DEFAULT_WORKSPACE_ID).then(0).else(1).end())
    .orderBy(sql`lower(name)`)
    .orderBy('id')
    .limit(most)
    .execute()
}

export function findWorkspace(db: Database, id: string): Promise<Workspace | undefined> {
  return db.selectFrom('workspaces').select(['id', 'name']).where('id', '=', id).executeTakeFirst()
}
