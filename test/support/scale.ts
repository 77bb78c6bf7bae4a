import { createHash, randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import pg from 'pg'

/** Migrated once; databases of tests are copies of it. */
export const TEMPLATE = 'docs_connector_template'

/** Whether tests run on PostgreSQL, S3 and Redis: `npm run test:scale`. */
export const isScaled = process.env.SCALE_POSTGRES !== undefined

/** Text as it comes back: PostgreSQL knows no NUL. */
export function kept(text: string): string {
  return isScaled ? text.replaceAll('\0', '\uFFFD') : text
}

/** Where a service over this data folder has its rows, blobs and messages; nothing unless tests are scaled. */
export async function scaledEnv(folder: string): Promise<Record<string, string>> {
  const { SCALE_POSTGRES: postgres } = process.env
  if (postgres !== undefined) await makeDatabase(postgres, databaseOf(folder))
  return scaledSettings(folder)
}

/** Of rows alone: SQLite in this folder, or a database of PostgreSQL that belongs to it. */
export async function databaseUrl(folder: string): Promise<string> {
  return (await scaledEnv(folder)).DATABASE_URL ?? `sqlite:${folder}/metadata.sqlite`
}

/** The same for a process of its own, whose database is there. */
export function scaledSettings(folder: string): Record<string, string> {
  const { SCALE_POSTGRES: postgres, SCALE_S3: s3, SCALE_REDIS: redis } = process.env
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env
  if (postgres === undefined) return {}
  const name = databaseOf(folder)
  return {
    DATABASE_URL: `${postgres}/${name}`,
    DATABASE_POOL: '4',
    // What a test breaks off is waited for so long.
    LEASE_S: '2',
    ROOT_SECRET: `tests-root-secret-${name.padEnd(32, '0')}`,
    ...(s3 === undefined
      ? {}
      : { BLOBS_URL: `${s3}&prefix=${name}`, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY }),
    ...(redis === undefined ? {} : { BACKPLANE_URL: redis, ADMIN_TOKEN: 'tests-admin-token-0123456789' }),
  }
}

export async function dropScaled(folder: string): Promise<void> {
  const { SCALE_POSTGRES: postgres } = process.env
  if (postgres === undefined) return
  await query(`${postgres}/postgres`, `drop database if exists ${databaseOf(folder)} with (force)`)
}

function databaseOf(folder: string): string {
  return `tests_${createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 20)}`
}

/** A data folder that was used before has its database. */
async function makeDatabase(postgres: string, name: string): Promise<void> {
  try {
    await query(`${postgres}/postgres`, `create database ${name} template ${TEMPLATE}`)
  } catch (error) {
    // duplicate_database, or unique_violation when two make it at once.
    if (error instanceof pg.DatabaseError && ['42P04', '23505'].includes(error.code ?? '')) return
    throw error
  }
  // Each is an installation of its own.
  await query(
    `${postgres}/${name}`,
    `update installation set key_prefix = '${randomBytes(4).toString('hex')}'`,
  )
}

export async function query(url: string, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(sql)
  } finally {
    await client.end()
  }
}
