import type { Migration } from 'kysely/migration'
import * as first from './0001-documents-and-sessions.ts'

/** All migrations in order; one that was released is never changed. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-documents-and-sessions': first,
}
