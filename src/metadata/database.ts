import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import {
  type Dialect,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteStatement,
  sql,
} from 'kysely'
import { Migrator } from 'kysely/migration'
import { MIGRATIONS } from './migrations/index.ts'
import type { Database, Schema } from './schema.ts'

/** Commands of the command line hold the lock for milliseconds. */
const LOCK_WAIT_MS = 250

/** The database was last used by a newer program: what this one would write, it might not understand. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError'
}

/**
 * Opens the database of `DATABASE_URL` and brings its schema up to date.
 *
 * @param wrap lets tests put a failing driver between
 * @param lockWaitMs what has nothing else to do may wait longer for another process than the service
 * @throws NewerSchemaError
 */
export async function openDatabase(
  url: string,
  wrap: (dialect: Dialect) => Dialect = (it) => it,
  lockWaitMs: number = LOCK_WAIT_MS,
): Promise<Database> {
  const database = open(databasePath(url), wrap, lockWaitMs)
  try {
    demandKnownSchema(await schemaVersion(database))
    await migrate(database)
  } catch (error) {
    await database.destroy()
    throw error
  }
  return database
}

/**
 * Opens a database that a service has made and may be working on, with the schema it has.
 *
 * @throws Error of SQLite when the file is missing or no database
 */
export function openBeside(path: string): Database {
  if (!existsSync(path)) throw new Error(`${path} is missing`)
  return open(path)
}

function open(path: string, wrap = (it: Dialect) => it, lockWaitMs = LOCK_WAIT_MS): Database {
  return new Kysely<Schema>({
    dialect: wrap(new TransactionalSqlite({ database: openSqlite(path, lockWaitMs) })),
  })
}

/** Opens a copy that nobody writes to, as it is. */
export function openCopy(path: string): Database {
  const sqlite = new Sqlite(path, { readonly: true, fileMustExist: true })
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: withStatementCache(sqlite) }) })
}

/** The file that `DATABASE_URL` names. */
export function databasePath(url: string): string {
  return url.slice('sqlite:'.length)
}

/** Name of the latest migration; undefined for a database that was never migrated. */
export async function schemaVersion(db: Database): Promise<string | undefined> {
  const { rows: tables } = await sql`select 1 from sqlite_master where name = 'kysely_migration'`.execute(db)
  if (tables.length === 0) return undefined
  const { rows } = await sql<{ name: string }>`
    select name from kysely_migration order by name desc limit 1`.execute(db)
  return rows[0]?.name
}

/** @throws NewerSchemaError */
export function demandKnownSchema(version: string | undefined): void {
  if (version === undefined || Object.hasOwn(MIGRATIONS, version)) return
  const latest = Object.keys(MIGRATIONS).at(-1)
  throw new NewerSchemaError(
    `the data was written by a newer docs-connector: its schema is ${version}, this one knows up to ${latest}. ` +
      'Run the newer one, or restore a backup that was made before',
  )
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

function openSqlite(path: string, lockWaitMs: number): SqliteDatabase {
  mkdirSync(dirname(path), { recursive: true })
  // Waiting for another process's lock stops everything in this one.
  const sqlite = new Sqlite(path, { timeout: lockWaitMs })
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
