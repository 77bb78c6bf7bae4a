import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('api_keys').addColumn('last_used_at', 'text').execute()
  await db.schema.alterTable('api_keys').addColumn('expires_at', 'text').execute()
  // The old secret goes on working for a while after a rotation.
  await db.schema.alterTable('api_keys').addColumn('previous_secret_hash', 'text').execute()
  await db.schema.alterTable('api_keys').addColumn('previous_secret_until', 'text').execute()

  await db.schema
    .alterTable('documents')
    .addColumn('folded_title', 'text', (column) => column.notNull().defaultTo(''))
    .execute()
  await db.schema
    .createIndex('documents_deleted')
    .on('documents')
    .columns(['workspace_id', 'deleted_at'])
    .execute()
}
