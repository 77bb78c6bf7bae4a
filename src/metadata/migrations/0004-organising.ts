import { type Kysely, type RawBuilder, type SqlBool, sql } from 'kysely'
import { isPostgres } from '../engine.ts'
import { searchTag } from '../search-tag.ts'
import { createCountTriggers, createPostgresIndexes, createTrigramSearch } from './postgres-documents.ts'

type Rows = {
  documents: {
    id: string
    workspace_id: string
    title: string
    created_at: string
    deleted_at: string | null
  }
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await addColumns(db)
  await createListIndexes(db)
  await createMetadataIndex(db)
  await createCounts(db)
  await createSearch(db)
  await createRequestKeys(db)
}

async function addColumns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('documents')
    .addColumn('folder', 'text', (column) => column.notNull().defaultTo('/'))
    .execute()
  await db.schema.alterTable('documents').addColumn('external_id', 'text').execute()
  await db.schema
    .alterTable('documents')
    .addColumn('metadata', 'text', (column) => column.notNull().defaultTo('{}'))
    .execute()
  await db.schema.alterTable('versions').addColumn('json_sha256', 'text').execute()
  await db.schema.alterTable('versions').addColumn('label', 'text').execute()
  // Set when retention took the bytes; the number stays taken.
  await db.schema.alterTable('versions').addColumn('deleted_at', 'text').execute()
  await db.schema.alterTable('api_keys').addColumn('frame_ancestors', 'text').execute()
  await db.schema
    .createTable('revoked_embeds')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('expires_at', 'text', (column) => column.notNull())
    .execute()
  await db.schema.createIndex('versions_json').on('versions').column('json_sha256').execute()
}

const ORDERS = ['updated_at', 'created_at', 'title', 'file_type', 'size'] as const

/**
 * A page of any order is read from an index, however many documents there are. Folder and type lie
 * in it as well, so that a filter does not read each row.
 */
async function createListIndexes(db: Kysely<unknown>): Promise<void> {
  await db.schema.dropIndex('documents_newest').execute()
  await db.schema.dropIndex('documents_deleted').execute()
  if (isPostgres(db)) return createPostgresIndexes(db)
  for (const order of ORDERS) {
    const filters = order === 'file_type' ? ['folder'] : ['file_type', 'folder']
    const own = ['workspace_id', order, 'id', ...filters]
    await createIndex(db, `documents_by_${order}`, own, sql`deleted_at is null`)
    await createIndex(db, `documents_trashed_by_${order}`, own, sql`deleted_at is not null`)
    await createIndex(db, `documents_of_all_by_${order}`, [order, 'id'], sql`deleted_at is null`)
  }
  // Folders move with what lies in the trash.
  await db.schema
    .createIndex('documents_of_folder')
    .on('documents')
    .columns(['workspace_id', 'folder', 'updated_at', 'id', 'deleted_at'])
    .execute()
  await createIndex(db, 'documents_trashed', ['deleted_at'], sql`deleted_at is not null`)
  await createIndex(
    db,
    'documents_of_external_id',
    ['external_id', 'workspace_id'],
    sql`external_id is not null`,
  )
}

async function createIndex(
  db: Kysely<unknown>,
  name: string,
  columns: string[],
  where: RawBuilder<SqlBool>,
): Promise<void> {
  await db.schema.createIndex(name).on('documents').columns(columns).where(where).execute()
}

/** `documents.metadata` again, one row a value, for filtering. */
async function createMetadataIndex(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('document_metadata')
    .addColumn('document_id', 'text', (column) => column.notNull().references('documents.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('metadata_of_document', ['document_id', 'name'])
    .execute()
  if (isPostgres(db)) {
    await sql`create index documents_of_metadata on document_metadata (name, md5(value), document_id)`.execute(
      db,
    )
    return
  }
  await db.schema
    .createIndex('documents_of_metadata')
    .on('document_metadata')
    .columns(['name', 'value', 'document_id'])
    .execute()
}

/** How many documents there are of each kind: counting a million rows for each page would be slow. */
async function createCounts(db: Kysely<unknown>): Promise<void> {
  const table = db.schema
    .createTable('document_counts')
    .addColumn('workspace_id', 'text', (column) => column.notNull())
    .addColumn('is_deleted', 'integer', (column) => column.notNull())
    .addColumn('folder', 'text', (column) => column.notNull())
    .addColumn('file_type', 'text', (column) => column.notNull())
    .addColumn('count', 'integer', (column) => column.notNull())
  if (isPostgres(db)) {
    await table.execute()
    return createCountTriggers(db)
  }
  await table
    .addPrimaryKeyConstraint('count_of_kind', ['workspace_id', 'is_deleted', 'folder', 'file_type'])
    // Counts are read in ranges of the key.
    .modifyEnd(sql`without rowid`)
    .execute()
  await sql`insert into document_counts
    select workspace_id, deleted_at is not null, folder, file_type, count(*) from documents group by 1, 2, 3, 4`.execute(
    db,
  )
  const add = sql`insert into document_counts
      values (new.workspace_id, new.deleted_at is not null, new.folder, new.file_type, 1)
      on conflict do update set count = count + 1`
  const remove = sql`update document_counts set count = count - 1
      where workspace_id = old.workspace_id and is_deleted = (old.deleted_at is not null)
        and folder = old.folder and file_type = old.file_type`
  await sql`create trigger documents_counted_in after insert on documents begin ${add}; end`.execute(db)
  await sql`create trigger documents_counted_out after delete on documents begin ${remove}; end`.execute(db)
  await sql`create trigger documents_recounted after update of folder, file_type, deleted_at on documents
    when (old.deleted_at is null) <> (new.deleted_at is null)
      or old.folder <> new.folder or old.file_type <> new.file_type
    begin ${remove}; ${add}; end`.execute(db)
}

/**
 * Finds any text of three characters and more. Without positions the index is a fifth in size; what
 * it finds is compared with the title. Source: SQLite FTS5, The Trigram Tokenizer; The detail option.
 */
async function createSearch(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('documents').addColumn('search_row', 'integer').execute()
  if (isPostgres(db)) return createTrigramSearch(db)
  await createFullTextSearch(db as Kysely<Rows>)
}

async function createFullTextSearch(db: Kysely<Rows>): Promise<void> {
  await sql`create virtual table document_search using fts5(
    tag, title, document_id unindexed, tokenize = 'trigram case_sensitive 1', detail = 'none')`.execute(db)
  await db.schema
    .createIndex('documents_by_search_row')
    .unique()
    .on('documents')
    .column('search_row')
    .execute()
  const documents = await db
    .selectFrom('documents')
    .select(['id', 'workspace_id', 'title', 'deleted_at'])
    .orderBy('created_at')
    .orderBy('id')
    .execute()
  for (const { id, workspace_id, title, deleted_at } of documents) {
    const folded = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replaceAll('ς', 'σ')
    const tag = searchTag(workspace_id, deleted_at !== null)
    const searched = folded.replaceAll('\0', ' ')
    await sql`insert into document_search (tag, title, document_id) values (${tag}, ${searched}, ${id})`.execute(
      db,
    )
    await sql`update documents set folded_title = ${folded}, search_row = last_insert_rowid() where id = ${id}`.execute(
      db,
    )
  }
  // The tag of a workspace's trash is that of the workspace backwards.
  await sql`create trigger documents_tagged after update of deleted_at on documents
    when (old.deleted_at is null) <> (new.deleted_at is null)
    begin
      update document_search set tag = substr(tag, 3, 1) || substr(tag, 2, 1) || substr(tag, 1, 1)
        where rowid = new.search_row;
    end`.execute(db)
}

/** Requests that may be sent again with the same `Idempotency-Key`. */
async function createRequestKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('request_keys')
    .addColumn('caller_id', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('fingerprint', 'text', (column) => column.notNull())
    .addColumn('resource_id', 'text', (column) => column.notNull())
    .addColumn('status', 'integer')
    .addColumn('answer', 'text')
    .addColumn('created_at', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('request_of_caller', ['caller_id', 'key'])
    .execute()
  await db.schema.createIndex('request_keys_by_age').on('request_keys').column('created_at').execute()
}
