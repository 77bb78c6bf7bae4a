import { type Kysely, sql } from 'kysely'
import { INDEXED_LENGTH } from '../in-folder.ts'

const ORDERS = ['updated_at', 'created_at', 'title', 'file_type', 'size'] as const

/**
 * A page of any order is read from an index. An index holds no value of more than 2,704 bytes: a title
 * fits, of a folder the first characters, of other values the digest.
 */
export async function createPostgresIndexes(db: Kysely<unknown>): Promise<void> {
  for (const order of ORDERS) {
    const column = sql.ref(order)
    await sql`create index ${sql.ref(`documents_by_${order}`)} on documents (workspace_id, ${column}, id)
      where deleted_at is null`.execute(db)
    await sql`create index ${sql.ref(`documents_trashed_by_${order}`)} on documents (workspace_id, ${column}, id)
      where deleted_at is not null`.execute(db)
    await sql`create index ${sql.ref(`documents_of_all_by_${order}`)} on documents (${column}, id)
      where deleted_at is null`.execute(db)
  }
  await sql`create index documents_of_folder
    on documents (workspace_id, left(folder, ${sql.lit(INDEXED_LENGTH)}), updated_at, id)`.execute(db)
  await sql`create index documents_trashed on documents (deleted_at) where deleted_at is not null`.execute(db)
  await sql`create index documents_of_external_id on documents (external_id, workspace_id)
    where external_id is not null`.execute(db)
}

/** Keeps `document_counts`, as the triggers of SQLite do. */
export async function createCountTriggers(db: Kysely<unknown>): Promise<void> {
  await sql`create unique index count_of_kind
    on document_counts (workspace_id, is_deleted, md5(folder), file_type)`.execute(db)
  await sql`
    create function documents_counted() returns trigger language plpgsql as $$
    begin
      if tg_op = 'UPDATE' and (old.deleted_at is null) = (new.deleted_at is null)
          and old.folder = new.folder and old.file_type = new.file_type then
        return null;
      end if;
      if tg_op <> 'INSERT' then
        update document_counts set count = count - 1
          where workspace_id = old.workspace_id and is_deleted = (old.deleted_at is not null)::integer
            and folder = old.folder and file_type = old.file_type;
      end if;
      if tg_op <> 'DELETE' then
        insert into document_counts
          values (new.workspace_id, (new.deleted_at is not null)::integer, new.folder, new.file_type, 1)
          on conflict (workspace_id, is_deleted, md5(folder), file_type)
          do update set count = document_counts.count + 1;
      end if;
      return null;
    end $$`.execute(db)
  await sql`create trigger documents_counted
    after insert or delete or update of folder, file_type, deleted_at on documents
    for each row execute function documents_counted()`.execute(db)
}

/**
 * Finds any text of three characters and more. The extension comes with PostgreSQL; whoever owns the
 * database may create it. Source: PostgreSQL, pg_trgm.
 */
export async function createTrigramSearch(db: Kysely<unknown>): Promise<void> {
  await sql`create extension if not exists pg_trgm`.execute(db)
  await sql`create index documents_by_trigram on documents using gin (folded_title gin_trgm_ops)`.execute(db)
  // Of common words the newest hits are found along it.
  await sql`create index documents_of_workspace on documents (workspace_id, id)`.execute(db)
}
