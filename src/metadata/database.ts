import { existsSync } from 'node:fs'
import { type Dialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { ByteOrder } from './byte-order.ts'
import { isPostgres } from './engine.ts'
import { MIGRATIONS } from './migrations/index.ts'
import { liveNodes } from './nodes.ts'
import type { Database } from './schema.ts'
import { openSqlite } from './sqlite.ts'

/** The database was last used by a newer program: what this one would write, it might not understand. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError'
}

export type OpenOptions = {
  /** Lets tests put a failing driver between. */
  wrap?: ((dialect: Dialect) => Dialect) | undefined
  /** SQLite: what has nothing else to do may wait longer for another process than the service. */
  lockWaitMs?: number | undefined
  /** PostgreSQL: most connections of this process. */
  pool?: number | undefined
  /** PostgreSQL: the node that this process is. */
  node?: string | undefined
}

/**
 * Opens the database of `DATABASE_URL` and brings its schema up to date.
 *
 * @throws NewerSchemaError; Problem `storage-unavailable` when PostgreSQL is not there; Error when nodes
 *   work on an earlier schema
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  if (isSqlite(url)) {
    const database = await open(url, options)
    await bringUpToDate(database).catch(async (error: unknown) => {
      await database.destroy()
      throw error
    })
    return database
  }
  // By a connection of its own: on a large installation it may take longer than any query of the service.
  const database = await open(url, { ...options, pool: 2, isPatient: true })
  await demandNobody(database, options.node)
    .then(() => bringUpToDate(database))
    .finally(() => database.destroy())
  return open(url, options)
}

async function bringUpToDate(database: Database): Promise<void> {
  demandKnownSchema(await schemaVersion(database))
  await migrate(database)
}

/** What a release before takes for its schema must not change under it. */
async function demandNobody(database: Database, node = ''): Promise<void> {
  const version = await schemaVersion(database)
  const latest = Object.keys(MIGRATIONS).at(-1) ?? ''
  // Newer ones are refused in better words; there were no nodes before the tables of nodes.
  if (version === undefined || version < '0010-nodes' || version >= latest) return
  const others = await liveNodes(database, { but: node })
  if (others.length > 0)
    throw new Error(
      `the database is of an earlier release (its schema is ${version}), and ${others.join(', ')} work on it: stop all nodes before one of this release starts; one that was killed counts for LEASE_S more`,
    )
}

async function open(
  url: string,
  { wrap, lockWaitMs, pool, isPatient }: OpenOptions & { isPatient?: boolean | undefined },
): Promise<Database> {
  if (isSqlite(url)) return openSqlite(databasePath(url), wrap, lockWaitMs)
  // Loaded only where it is used: it costs memory.
  const { openPostgres } = await import('./postgres.ts')
  return openPostgres(url, { wrap, pool, isPatient })
}

/**
 * Opens a database that a service has made and may be working on, with the schema it has.
 *
 * @throws Error of SQLite when its file is missing or no database; PostgreSQL is asked later
 */
export async function openBeside(url: string): Promise<Database> {
  if (isSqlite(url) && !existsSync(databasePath(url))) throw new Error(`${databasePath(url)} is missing`)
  return open(url, {})
}

export function isSqlite(url: string): boolean {
  return url.startsWith('sqlite:')
}

/** The file that `DATABASE_URL=sqlite:…` names. */
export function databasePath(url: string): string {
  return url.slice('sqlite:'.length)
}

/** Whether the database can be asked now. */
export async function isAnswering(db: Database): Promise<boolean> {
  await db.selectFrom('installation').select('id').execute()
  return true
}

/** Name of the latest migration; undefined for a database that was never migrated. */
export async function schemaVersion(db: Database): Promise<string | undefined> {
  const { rows: tables } = isPostgres(db)
    ? await sql`select 1 where to_regclass('kysely_migration') is not null`.execute(db)
    : await sql`select 1 from sqlite_master where name = 'kysely_migration'`.execute(db)
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

async function migrate(database: Database): Promise<void> {
  const db = isPostgres(database) ? database.withPlugin(new ByteOrder()) : database
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}
