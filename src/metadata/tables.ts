import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Schema } from './schema.ts'

/** A database, or a transaction in one. */
export type Rows = Kysely<Schema>
export type Row = Record<string, unknown>

export type Table = {
  name: keyof Schema
  /** Columns of its primary key, in their order. */
  key: readonly string[]
  /** Rows that are held in memory at once; fewer where one may have megabytes. */
  atOnce?: number
}

/** Every table of an installation that is not made from another one, behind those that it refers to. */
export const TABLES: readonly Table[] = [
  { name: 'installation', key: ['id'] },
  { name: 'workspaces', key: ['id'] },
  { name: 'api_keys', key: ['id'] },
  { name: 'sign_in_links', key: ['token_hash'] },
  { name: 'revoked_embeds', key: ['id'] },
  { name: 'documents', key: ['id'] },
  { name: 'document_metadata', key: ['document_id', 'name'] },
  { name: 'versions', key: ['id'] },
  { name: 'sessions', key: ['key'] },
  { name: 'saves', key: ['id'] },
  { name: 'request_keys', key: ['caller_id', 'key'] },
  { name: 'presence', key: ['document_id', 'user_id'] },
  { name: 'forgotten', key: ['key'] },
  { name: 'activity', key: ['id'] },
  { name: 'webhooks', key: ['id'] },
  { name: 'webhook_events', key: ['webhook_id', 'event'] },
  { name: 'webhook_deliveries', key: ['webhook_id', 'id'] },
  { name: 'alerts', key: ['name'] },
  { name: 'links', key: ['id'] },
  { name: 'admissions', key: ['session_key', 'user_id', 'by'] },
  { name: 'people', key: ['workspace_id', 'id'] },
  { name: 'favorites', key: ['document_id', 'user_id'] },
  { name: 'submissions', key: ['id'] },
  { name: 'fillings', key: ['document_id'] },
  { name: 'attachments', key: ['sha256', 'document_id'] },
  { name: 'remote_files', key: ['document_id'] },
  { name: 'shared_states', key: ['document_id', 'epoch'], atOnce: 1 },
  { name: 'updates', key: ['document_id', 'epoch', 'seq'], atOnce: 16 },
  { name: 'quarantined_updates', key: ['id'], atOnce: 16 },
  { name: 'room_members', key: ['connection_id', 'document_id'] },
  { name: 'thumbnails', key: ['source_sha256', 'file_type', 'width'] },
]

/**
 * Tables that are no part of an installation: what Kysely notes of migrations, what triggers and the
 * program make from `documents`, and what says which processes run.
 */
export const MADE_TABLES =
  /^(kysely_migration(_lock)?|document_counts|document_search(_\w+)?|leases|nodes|blob_deletions|database_life|sqlite_\w+)$/

/** Columns that each engine fills in its own way. */
export const MADE_COLUMNS: ReadonlySet<string> = new Set(['documents.search_row'])

const AT_ONCE = 500

/** All rows of a table in the order of its key, some at a time. */
export async function* rowsOf(db: Rows, { name, key, atOnce = AT_ONCE }: Table): AsyncGenerator<Row[]> {
  const columns = sql.join(key.map((column) => sql.ref(column)))
  for (let after: RawBuilder<unknown> = sql``; ; ) {
    const { rows } = await sql<Row>`select * from ${sql.table(name)} ${after}
      order by ${columns} limit ${atOnce}`.execute(db)
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows
    if (rows.length < atOnce) return
    after = sql`where (${columns}) > (${sql.join(key.map((column) => last[column]))})`
  }
}

/**
 * @param rows all with the same columns; so many as `rowsOf` gives at once: a query of SQLite takes at
 *   most 32,766 values, one of PostgreSQL 65,535
 */
export async function insertRows(db: Rows, name: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {}).filter((column) => !MADE_COLUMNS.has(`${name}.${column}`))
  if (columns.length === 0) return
  const values = rows.map((row) => sql`(${sql.join(columns.map((column) => row[column]))})`)
  await sql`insert into ${sql.table(name)} (${sql.join(columns.map((column) => sql.ref(column)))})
    values ${sql.join(values)}`.execute(db)
}

export async function countRows(db: Rows, name: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${sql.table(name)}`.execute(db)
  return Number(rows[0]?.count ?? 0)
}
