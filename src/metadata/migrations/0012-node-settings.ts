import type { Kysely } from 'kysely'

/** A deletion of a blob ends its own row alone, and nodes tell others by their settings. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('blob_deletions')
    .addColumn('token', 'text', (column) => column.notNull().defaultTo(''))
    .execute()
  await db.schema
    .alterTable('nodes')
    .addColumn('settings', 'text', (column) => column.notNull().defaultTo('{}'))
    .execute()
}
