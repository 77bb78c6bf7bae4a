import { type RawBuilder, sql } from 'kysely'
import { isPostgres } from './engine.ts'
import type { Database } from './schema.ts'

/**
 * What stands before a column that SQLite is to compare with, not to choose an index by:
 * sqlite.org/optoverview.html §2. PostgreSQL chooses by what it knows of the rows.
 */
export function withoutIndex(db: Database): RawBuilder<unknown> {
  return isPostgres(db) ? sql`` : sql`+`
}
