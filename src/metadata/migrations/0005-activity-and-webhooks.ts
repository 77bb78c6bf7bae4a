import { type Kysely, sql } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await createActivity(db)
  await createWebhooks(db)
  await createDeliveries(db)
  await db.schema
    .createTable('alerts')
    .addColumn('name', 'text', (column) => column.primaryKey())
    .addColumn('raised_at', 'text', (column) => column.notNull())
    .addColumn('calm_checks', 'integer', (column) => column.notNull())
    .execute()
}

/** Ids begin with the time, so each index is also in the order of time. */
async function createActivity(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('activity')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull())
    // No reference: what was done to a document outlives it.
    .addColumn('document_id', 'text')
    .addColumn('actor_id', 'text', (column) => column.notNull())
    .addColumn('actor_name', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('detail', 'text', (column) => column.notNull())
    .addColumn('at', 'text', (column) => column.notNull())
    .execute()
  await db.schema
    .createIndex('activity_of_workspace')
    .on('activity')
    .columns(['workspace_id', 'id'])
    .execute()
  // A rare action among millions of saves is found without reading them.
  await db.schema
    .createIndex('activity_by_action')
    .on('activity')
    .columns(['workspace_id', 'action', 'id'])
    .execute()
  await db.schema
    .createIndex('activity_of_document')
    .on('activity')
    .columns(['document_id', 'id'])
    .where(sql.ref('document_id'), 'is not', null)
    .execute()
}

async function createWebhooks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhooks')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('api_key_id', 'text', (column) => column.notNull().references('api_keys.id'))
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id'))
    .addColumn('url', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('disabled_at', 'text')
    .execute()
  await db.schema.createIndex('webhooks_of_workspace').on('webhooks').column('workspace_id').execute()
  await db.schema.createIndex('webhooks_of_key').on('webhooks').column('api_key_id').execute()
  await db.schema
    .createTable('webhook_events')
    .addColumn('webhook_id', 'text', (column) =>
      column.notNull().references('webhooks.id').onDelete('cascade'),
    )
    .addColumn('event', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('event_of_webhook', ['webhook_id', 'event'])
    .execute()
}

async function createDeliveries(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('webhook_deliveries')
    // No reference: the administrator's alerts have no webhook row.
    .addColumn('webhook_id', 'text', (column) => column.notNull())
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('event', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('last_status', 'integer')
    .addColumn('last_error', 'text')
    .addColumn('next_attempt_at', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('finished_at', 'text')
    .addPrimaryKeyConstraint('delivery_of_webhook', ['webhook_id', 'id'])
    .execute()
  await db.schema
    .createIndex('webhook_deliveries_due')
    .on('webhook_deliveries')
    .columns(['webhook_id', 'next_attempt_at', 'id'])
    .where(sql.ref('next_attempt_at'), 'is not', null)
    .execute()
  await db.schema
    .createIndex('webhook_deliveries_finished')
    .on('webhook_deliveries')
    .columns(['state', 'finished_at'])
    .where(sql.ref('finished_at'), 'is not', null)
    .execute()
}
