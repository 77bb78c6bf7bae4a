import { PostgresAdapter } from 'kysely'

/** Whether queries run in PostgreSQL; else in SQLite. Few queries need to know. */
export function isPostgres(db: { getExecutor(): { adapter: object } }): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
