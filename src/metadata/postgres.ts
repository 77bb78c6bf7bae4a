import { setTimeout as delay } from 'node:timers/promises'
import {
  type Dialect,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type TransactionBuilder,
} from 'kysely'
import pg from 'pg'
import { Problem } from '../errors.ts'
import { AWAY_MS, PostgresDriver } from './postgres-driver.ts'
import { isConflict, isConnectionLost, isDuplicate } from './postgres-errors.ts'
import type { Database, Schema } from './schema.ts'

const POOL = 10
const CONNECT_MS = 5000
/** No query of ours takes nearly as long. */
const STATEMENT_MS = 60_000
/** A process that was stopped in the middle of a transaction must not hold its rows for longer. */
const IDLE_IN_TRANSACTION_MS = 20_000
const MOST_CONFLICTS = 30
/** What is still there at the second look is no coincidence. */
const MOST_DUPLICATES = 2
const MOST_PAUSE_MS = 200

/** Types of PostgreSQL that come as text. Source: PostgreSQL, pg_type.dat. */
const INT8 = 20
const NUMERIC = 1700

type PostgresOptions = {
  wrap?: ((it: Dialect) => Dialect) | undefined
  /** Most connections. */
  pool?: number | undefined
  /** For migrations: queries may take as long as they do. */
  isPatient?: boolean | undefined
}

/** @param url as libpq takes it: `postgres://user:password@host:port/database?sslmode=…` */
export function openPostgres(
  url: string,
  { wrap = (it) => it, pool: max = POOL, isPatient = false }: PostgresOptions,
): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    ...(isPatient ? {} : { statement_timeout: STATEMENT_MS, query_timeout: STATEMENT_MS + CONNECT_MS }),
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    application_name: 'docs-connector',
    types: { getTypeParser },
  })
  // Whoever uses a lost connection is told by its query; without a listener the process would end.
  pool.on('error', ignore)
  pool.on('connect', (client) => client.on('error', ignore))
  return new PostgresDatabase({
    dialect: wrap({
      createAdapter: () => new PostgresAdapter(),
      createDriver: () => new PostgresDriver(pool, { isNew: isPatient }),
      createIntrospector: (db) => new PostgresIntrospector(db),
      createQueryCompiler: () => new PostgresQueryCompiler(),
    }),
  })
}

/** Sums and counts fit into a number. */
function getTypeParser(type: number, format?: 'text' | 'binary') {
  if (type === INT8 || type === NUMERIC) return Number
  return pg.types.getTypeParser(type, format)
}

/**
 * Runs a transaction again when another one came between, or when the connection was lost before it
 * was committed. What is done in one is done in the database alone, so nothing happens twice.
 */
class PostgresDatabase extends Kysely<Schema> {
  override transaction(): TransactionBuilder<Schema> {
    const builder = super.transaction()
    const once = builder.execute.bind(builder)
    builder.execute = (work) => untilCommitted(() => once(work))
    return builder
  }
}

async function untilCommitted<T>(transaction: () => Promise<T>): Promise<T> {
  const until = performance.now() + AWAY_MS
  let duplicates = 0
  for (let conflicts = 0; ; ) {
    try {
      return await transaction()
    } catch (error) {
      if (isConflict(error) && conflicts >= MOST_CONFLICTS) throw outrun(error)
      if (isConflict(error)) conflicts += 1
      else if (isDuplicate(error) && duplicates < MOST_DUPLICATES) duplicates += 1
      else if (!isConnectionLost(error) || performance.now() >= until) throw error
    }
    // By chance, or those that met once would meet again.
    await delay(Math.random() * Math.min(MOST_PAUSE_MS, 5 * 2 ** conflicts))
  }
}

function outrun(cause: unknown): Problem {
  return new Problem('storage-unavailable', 'others keep changing the same rows', { cause, retryAfterS: 1 })
}

function ignore(): void {}
