import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import {
  type Dialect,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteStatement,
} from 'kysely'
import { Migrator } from 'kysely/migration'
import { MIGRATIONS } from './migrations/index.ts'
import type { Database, Schema } from './schema.ts'

/** Commands of the command line hold the lock for milliseconds. */
const LOCK_WAIT_MS = 250

/**
 * Opens the database of `DATABASE_URL` and brings its schema up to date.
 *
 * @param wrap lets tests put a failing driver between
 */
export async function openDatabase(
  url: string,
  wrap: (dialect: Dialect) => Dialect = (it) => it,
): Promise<Database> {
  const path = url.slice('sqlite:'.length)
  const database = new Kysely<Schema>({
    dialect: wrap(new TransactionalSqlite({ database: openSqlite(path) })),
  })
  try {
    await migrate(database)
  } catch (error) {
    await database.destroy()
    throw error
  }
  return database
}

/**
 * Migrations run in one transaction: a process killed in the middle leaves the schema as it was.
 * SQLite can do that (sqlite.org/lang_transaction.html); Kysely does not use it by itself.
 */
class TransactionalSqlite extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter()
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

function openSqlite(path: string): SqliteDatabase {
  mkdirSync(dirname(path), { recursive: true })
  // Waiting for another process's lock stops everything in this one.
  const sqlite = new Sqlite(path, { timeout: LOCK_WAIT_MS })
  sqlite.pragma('journal_mode = WAL')
  // A commit is on disk when it returns: an answer to Document Server rests on it.
  sqlite.pragma('synchronous = FULL')
  sqlite.pragma('foreign_keys = ON')
  return withStatementCache(sqlite)
}

/** Kysely prepares every query anew; preparing costs more than most of our queries. */
function withStatementCache(sqlite: Sqlite.Database): SqliteDatabase {
  const MOST_STATEMENTS = 500
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => sqlite.close(),
    prepare(sql) {
      // A deferred transaction that turns to writing can fail at once beside another process's write.
      const text = sql === 'begin' ? 'begin immediate' : sql
      let statement = statements.get(text)
      if (statement === undefined) {
        statement = sqlite.prepare(text)
        if (statements.size >= MOST_STATEMENTS) statements.clear()
        statements.set(text, statement)
      }
      return statement
    },
  }
}

async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}
