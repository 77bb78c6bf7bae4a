import type { Migration } from 'kysely/migration'
import * as first from './0001-documents-and-sessions.ts'
import * as second from './0002-keys-folding-trash.ts'
import * as third from './0003-presence.ts'

/** All migrations in order; one that was released is never changed. */
export const MIGRATIONS: Record<string, Migration> = {
  '0001-documents-and-sessions': first,
  '0002-keys-folding-trash': second,
  '0003-presence': third,
}
