import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import {
  type Dialect,
  Kysely,
  SqliteAdapter,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteStatement,
  type TransactionBuilder,
} from 'kysely'
import { Problem } from '../errors.ts'
import type { Database, Schema } from './schema.ts'

/** Waiting for another process's lock stops everything in this one. */
const LOCK_WAIT_MS = 250
/** Commands of the command line hold it for milliseconds, but it is not given in turn: see SqliteTransactions. */
const LOCKED_OUT_MS = 2000
const MOST_PAUSE_MS = 50

/**
 * @param wrap lets tests put a failing driver between
 * @param lockWaitMs what has nothing else to do may wait longer for another process than the service
 */
export function openSqlite(path: string, wrap = (it: Dialect) => it, lockWaitMs = LOCK_WAIT_MS): Database {
  return new SqliteTransactions({
    dialect: wrap(new TransactionalSqlite({ database: connect(path, lockWaitMs) })),
  })
}

/** Opens a copy that nobody writes to, as it is. */
export function openCopy(path: string): Database {
  const sqlite = new Sqlite(path, { readonly: true, fileMustExist: true })
  return new Kysely<Schema>({ dialect: new SqliteDialect({ database: withStatementCache(sqlite) }) })
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

/**
 * Begins a transaction again that other processes locked out. Nothing has been done when it cannot
 * begin, and nobody here waits for it meanwhile.
 */
class SqliteTransactions extends Kysely<Schema> {
  override transaction(): TransactionBuilder<Schema> {
    const builder = super.transaction()
    const once = builder.execute.bind(builder)
    builder.execute = (work) => untilLetIn(() => once(work))
    return builder
  }
}

async function untilLetIn<T>(transaction: () => Promise<T>): Promise<T> {
  const until = performance.now() + LOCKED_OUT_MS
  for (;;) {
    try {
      return await transaction()
    } catch (error) {
      if (!(error instanceof Sqlite.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error
      if (performance.now() >= until) {
        const detail = 'another process keeps the database locked'
        throw new Problem('storage-unavailable', detail, { cause: error, retryAfterS: 5 })
      }
    }
    await delay(Math.random() * MOST_PAUSE_MS)
  }
}

function connect(path: string, lockWaitMs: number): SqliteDatabase {
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
