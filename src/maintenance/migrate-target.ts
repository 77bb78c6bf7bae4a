import * as fs from 'node:fs/promises'
import { resolve } from 'node:path'
import { sql } from 'kysely'
import { isProblem } from '../errors.ts'
import {
  databasePath,
  demandKnownSchema,
  isSqlite,
  openDatabase,
  schemaVersion,
} from '../metadata/database.ts'
import { isPostgres } from '../metadata/engine.ts'
import { keyPrefix } from '../metadata/installation.ts'
import { MIGRATIONS } from '../metadata/migrations/index.ts'
import { liveNodes } from '../metadata/nodes.ts'
import { type Database, DEFAULT_WORKSPACE_ID } from '../metadata/schema.ts'
import { TABLES } from '../metadata/tables.ts'
import { newerThere } from './migrate-newer.ts'
import { openAsItIs } from './open-as-it-is.ts'
import { isOfSqlite, Refusal } from './refusal.ts'

const CONNECT_MS = 10_000
/** Of PostgreSQL: whoever holds it is in the same database. Any number that nobody else uses. */
const SAME_DATABASE = 7_318_202_611

/** @throws Refusal `service-running` while a node works on a database; what is in SQLite is locked by its folder */
export async function demandStopped(database: Database): Promise<void> {
  if (!isPostgres(database)) return
  const [node] = await liveNodes(database, { but: '' })
  if (node === undefined) return
  throw new Refusal(
    'service-running',
    `the node ${node} works on the database, or was killed less than LEASE_S (20) seconds ago: stop the service and wait`,
  )
}

/**
 * The target must be empty, or hold what this installation had earlier. Changes nothing there.
 *
 * @throws Refusal `service-running`, `target-in-use`, `target-is-source`, `target-newer`, `target-unusable`;
 *   NewerSchemaError
 */
export async function demandTarget(source: Database, sourceUrl: string, targetUrl: string): Promise<void> {
  if (isSqlite(targetUrl)) {
    const [there, here] = await Promise.all([inodeOf(targetUrl), inodeOf(sourceUrl)])
    if (there === undefined) return
    if (there === here) throw isSource()
  }
  if (!isSqlite(targetUrl)) await demandReachable(targetUrl)
  const target = await openAsItIs(targetUrl).catch(unusable)
  try {
    const version = await schemaVersion(target).catch(unusable)
    if (isPostgres(source) && isPostgres(target) && (await isSame(source, target))) throw isSource()
    if (version === undefined) return await demandNoTables(target)
    demandKnownSchema(version)
    if (version !== Object.keys(MIGRATIONS).at(-1))
      throw inUse(`the target holds data of an earlier release (its schema is ${version})`)
    await demandStopped(target)
    if (await isFresh(target)) return
    if ((await keyPrefix(target)) !== (await keyPrefix(source)))
      throw inUse('the target holds another installation')
    const newer = await newerThere(source, target)
    if (newer !== undefined)
      throw new Refusal(
        'target-newer',
        `the target has been worked on since it was copied (${newer}), and that would be lost: name another one, or empty it`,
      )
  } finally {
    await target.destroy()
  }
}

/** As the doctor says it. @throws Refusal `target-unusable` */
async function demandReachable(url: string): Promise<void> {
  // Loaded only where it is used: it costs memory.
  const { connectionTrouble } = await import('../doctor/postgres.ts')
  const trouble = await connectionTrouble(url, CONNECT_MS)
  if (trouble === undefined) return
  const said = `${trouble.evidence}. ${trouble.fix}`.replaceAll('DATABASE_URL', '--to-database')
  throw new Refusal('target-unusable', said)
}

/** Makes the tables of an empty one. @throws Refusal `target-unusable` */
export function openTarget(url: string): Promise<Database> {
  return openDatabase(url).catch(unusable)
}

/** Undefined where there is no file. */
async function inodeOf(url: string): Promise<string | undefined> {
  if (!isSqlite(url)) return undefined
  const found = await fs.stat(resolve(databasePath(url))).catch(() => undefined)
  return found && `${found.dev} ${found.ino}`
}

/** Whatever their addresses look like. */
async function isSame(source: Database, target: Database): Promise<boolean> {
  return source.connection().execute(async (connection) => {
    await sql`select pg_advisory_lock(${SAME_DATABASE}::bigint)`.execute(connection)
    try {
      return await target.connection().execute(async (other) => {
        const { rows } = await sql<{ isTaken: boolean }>`
          select pg_try_advisory_lock(${SAME_DATABASE}::bigint) as "isTaken"`.execute(other)
        if (rows[0]?.isTaken !== true) return true
        await sql`select pg_advisory_unlock(${SAME_DATABASE}::bigint)`.execute(other)
        return false
      })
    } finally {
      await sql`select pg_advisory_unlock(${SAME_DATABASE}::bigint)`.execute(connection)
    }
  })
}

/** What another program keeps there is none of ours. */
async function demandNoTables(target: Database): Promise<void> {
  const { rows } = isPostgres(target)
    ? await sql<{ name: string }>`
        select tablename as name from pg_tables where schemaname = current_schema() limit 1`.execute(target)
    : await sql<{ name: string }>`select name from sqlite_master where type = 'table' limit 1`.execute(target)
  const [found] = rows
  if (found !== undefined) throw inUse(`the target holds tables of another program (${found.name})`)
}

/** A schema and nothing else, as a copy leaves it that was cut short. */
async function isFresh(db: Database): Promise<boolean> {
  for (const { name } of TABLES) {
    if (name === 'installation') continue
    const others = name === 'workspaces' ? sql`where id <> ${DEFAULT_WORKSPACE_ID}` : sql``
    const { rows } = await sql`select 1 from ${sql.table(name)} ${others} limit 1`.execute(db)
    if (rows.length > 0) return false
  }
  return true
}

function inUse(what: string): Refusal {
  return new Refusal('target-in-use', `${what}: name another one, or empty it`)
}

function isSource(): Refusal {
  return new Refusal('target-is-source', 'that is the database that the service has')
}

function unusable(cause: unknown): never {
  const isPlain = cause instanceof Error && 'code' in cause && !isProblem(cause)
  if (!isPlain && !isOfSqlite(cause) && !isProblem(cause, 'storage-unavailable')) throw cause
  throw new Refusal('target-unusable', `the target database cannot be used: ${(cause as Error).message}`, {
    cause,
  })
}
