import { randomBytes } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import { DEFAULT_WORKSPACE_ID } from '../schema.ts'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('installation')
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('key_prefix', 'text', (column) => column.notNull())
    .execute()

  await db.schema
    .createTable('workspaces')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .execute()

  await db.schema
    .createTable('api_keys')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('api_key', 'text', (column) => column.notNull().unique())
    .addColumn('secret_hash', 'text', (column) => column.notNull())
    .addColumn('permissions', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('revoked_at', 'text')
    .execute()

  await db.schema
    .createTable('sign_in_links')
    .addColumn('token_hash', 'text', (column) => column.primaryKey())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .execute()

  await db.schema
    .createTable('documents')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('workspace_id', 'text', (column) => column.notNull().references('workspaces.id'))
    .addColumn('title', 'text', (column) => column.notNull())
    .addColumn('file_type', 'text', (column) => column.notNull())
    .addColumn('head_version_id', 'text', (column) => column.notNull())
    .addColumn('last_version_number', 'integer', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('created_by', 'text', (column) => column.notNull())
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addColumn('deleted_at', 'text')
    .execute()
  await db.schema
    .createIndex('documents_newest')
    .on('documents')
    .columns(['workspace_id', 'updated_at', 'id'])
    .where(sql.ref('deleted_at'), 'is', null)
    .execute()

  await db.schema
    .createTable('versions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('document_id', 'text', (column) => column.notNull().references('documents.id'))
    .addColumn('number', 'integer', (column) => column.notNull())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('session_key', 'text')
    .addColumn('key', 'text', (column) => column.notNull().unique())
    .addColumn('sha256', 'text', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('file_type', 'text', (column) => column.notNull())
    .addColumn('author_id', 'text', (column) => column.notNull())
    .addColumn('author_name', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('changes_sha256', 'text')
    .addColumn('history', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addColumn('updated_at', 'text', (column) => column.notNull())
    .addUniqueConstraint('versions_number', ['document_id', 'number'])
    .execute()
  await db.schema.createIndex('versions_blob').on('versions').column('sha256').execute()
  await db.schema.createIndex('versions_changes').on('versions').column('changes_sha256').execute()

  await db.schema
    .createTable('sessions')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('document_id', 'text', (column) => column.notNull().references('documents.id'))
    .addColumn('base_version_id', 'text', (column) => column.notNull().references('versions.id'))
    .addColumn('draft_version_id', 'text')
    .addColumn('conflict_version_id', 'text')
    .addColumn('recovery_version_id', 'text')
    .addColumn('latest_save_id', 'text')
    .addColumn('content_version_id', 'text')
    .addColumn('editors', 'text', (column) => column.notNull())
    .addColumn('opened_at', 'text', (column) => column.notNull())
    .addColumn('superseded_at', 'text')
    .addColumn('config_issued_at', 'text')
    .addColumn('last_callback_at', 'text')
    .addColumn('next_forcesave_at', 'text')
    .execute()
  // At most one unsuperseded session per document, whoever races.
  await db.schema
    .createIndex('sessions_current')
    .unique()
    .on('sessions')
    .column('document_id')
    .where(sql.ref('superseded_at'), 'is', null)
    .execute()
  await db.schema
    .createIndex('sessions_due')
    .on('sessions')
    .column('next_forcesave_at')
    .where(sql.ref('next_forcesave_at'), 'is not', null)
    .execute()

  await db.schema
    .createTable('saves')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('key', 'text', (column) => column.notNull().references('sessions.key'))
    .addColumn('document_id', 'text', (column) => column.notNull())
    .addColumn('node', 'text', (column) => column.notNull())
    .addColumn('status', 'integer', (column) => column.notNull())
    .addColumn('forcesave_type', 'integer')
    .addColumn('lastsave', 'text')
    .addColumn('url_path', 'text')
    .addColumn('userdata', 'text')
    .addColumn('author_id', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text')
    .addColumn('error', 'text')
    .addColumn('file_type', 'text')
    .addColumn('sha256', 'text')
    .addColumn('size', 'bigint')
    .addColumn('version_id', 'text')
    .addColumn('received_at', 'text', (column) => column.notNull())
    .addColumn('finished_at', 'text')
    .execute()
  await db.schema.createIndex('saves_of_key').on('saves').columns(['key', 'received_at']).execute()
  await db.schema.createIndex('saves_blob').on('saves').column('sha256').execute()
  await db.schema.createIndex('saves_by_state').on('saves').columns(['state', 'key']).execute()

  await db.schema
    .createTable('forgotten')
    .addColumn('key', 'text', (column) => column.primaryKey())
    .addColumn('reason', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text')
    .addColumn('first_seen_at', 'text', (column) => column.notNull())
    .addColumn('last_seen_at', 'text', (column) => column.notNull())
    .execute()

  const prefix = randomBytes(4).toString('hex')
  await sql`insert into installation (id, key_prefix) values (1, ${prefix})`.execute(db)
  const now = new Date().toISOString()
  await sql`insert into workspaces (id, name, created_at) values (${DEFAULT_WORKSPACE_ID}, 'default', ${now})`.execute(
    db,
  )
}
