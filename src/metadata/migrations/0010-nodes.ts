import { type Kysely, sql } from 'kysely'
import { isPostgres } from '../engine.ts'

/** What several nodes keep from each other's way with. Lost in a crash of the database, it is as if it had run out. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const create = (name: string) => {
    const table = db.schema.createTable(name)
    return isPostgres(db) ? table.modifyFront(sql`unlogged`) : table
  }
  await create('leases')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('token', 'text', (column) => column.notNull())
    .addColumn('expires_ms', 'bigint', (column) => column.notNull())
    .execute()
  // Emptied by a crash of the database, like the others: so its row tells one life of it from the next.
  await create('database_life')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('token', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createTable('blob_deletions')
    .addColumn('sha256', 'text', (column) => column.primaryKey())
    .addColumn('since_ms', 'bigint', (column) => column.notNull())
    .execute()
  await create('nodes')
    .addColumn('instance', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('since_ms', 'bigint', (column) => column.notNull())
    .addColumn('expires_ms', 'bigint', (column) => column.notNull())
    .execute()
}
