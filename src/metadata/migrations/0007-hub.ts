import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('shared_states')
    .addColumn('document_id', 'text', (column) => column.notNull().references('documents.id'))
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('last_seq', 'integer', (column) => column.notNull())
    // SQLite keeps bytes as they are in a column of any type, PostgreSQL knows no `blob`.
    .addColumn('snapshot', 'bytea')
    .addColumn('snapshot_vector', 'bytea')
    .addColumn('snapshot_seq', 'integer', (column) => column.notNull())
    .addColumn('snapshot_bytes', 'integer', (column) => column.notNull())
    .addColumn('log_updates', 'integer', (column) => column.notNull())
    .addColumn('log_bytes', 'integer', (column) => column.notNull())
    .addColumn('ended_at', 'text')
    .addPrimaryKeyConstraint('shared_state_of_document', ['document_id', 'epoch'])
    .execute()
  await db.schema.createIndex('shared_states_ended').on('shared_states').column('ended_at').execute()

  await db.schema
    .createTable('updates')
    .addColumn('document_id', 'text', (column) => column.notNull())
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('seq', 'integer', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
    .addColumn('data', 'bytea', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('update_of_state', ['document_id', 'epoch', 'seq'])
    .addForeignKeyConstraint('updates_of_state', ['document_id', 'epoch'], 'shared_states', [
      'document_id',
      'epoch',
    ])
    .execute()

  await db.schema
    .createTable('quarantined_updates')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('document_id', 'text', (column) => column.notNull().references('documents.id'))
    .addColumn('epoch', 'integer', (column) => column.notNull())
    .addColumn('data', 'bytea', (column) => column.notNull())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('quarantined_updates_of_document')
    .on('quarantined_updates')
    .column('document_id')
    .execute()

  await db.schema
    .createTable('room_members')
    .addColumn('connection_id', 'text', (column) => column.notNull())
    .addColumn('document_id', 'text', (column) => column.notNull().references('documents.id'))
    .addColumn('user_id', 'text', (column) => column.notNull())
    .addColumn('user_name', 'text', (column) => column.notNull())
    .addColumn('user_color', 'text', (column) => column.notNull())
    .addColumn('joined_at', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .addColumn('node', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('room_member', ['connection_id', 'document_id'])
    .execute()
  await db.schema.createIndex('room_members_of_document').on('room_members').column('document_id').execute()
}
