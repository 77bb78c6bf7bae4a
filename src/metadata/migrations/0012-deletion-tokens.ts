import type { Kysely } from 'kysely'

/** A deletion of a blob ends its own row alone. Nodes of the release before write none, until they are restarted. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('blob_deletions')
    .addColumn('token', 'text', (column) => column.notNull().defaultTo(''))
    .execute()
}
