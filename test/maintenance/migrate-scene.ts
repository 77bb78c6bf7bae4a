import { createHash } from 'node:crypto'
import * as fs from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { digestOf } from '../../src/maintenance/migrate-rows.ts'
import { openAsItIs } from '../../src/maintenance/open-as-it-is.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { countRows, insertRows, type Row, TABLES } from '../../src/metadata/tables.ts'
import { type CliRun, runCli, startCli } from '../cli/run.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'

/** Where an installation has its rows and blobs. */
export type Home = { dataDir: string; env: Record<string, string> }

export type MigratedJson = {
  rows?: number
  blobs?: { copied: number; skipped: number }
  faults: unknown[]
  settings: Record<string, string>
}

export function homeOf(dataDir: string, DATABASE_URL: string, BLOBS_URL: string): Home {
  return { dataDir, env: { DATABASE_URL, BLOBS_URL, BACKPLANE_URL: 'memory:' } }
}

export function onDisk(dataDir: string): Home {
  return homeOf(dataDir, `sqlite:${dataDir}/metadata.sqlite`, `file:${dataDir}`)
}

/**
 * An installation with something in every table: documents in folders, every third with two versions,
 * every fifth in the trash. Its service is stopped.
 */
export async function fillHome(home: Home, documents: number): Promise<string[]> {
  const app = await startApp(home)
  const ids: string[] = []
  for (let at = 0; at < documents; at += 1) {
    const id = await app.upload(`Bericht n${at}x naïve.docx`, makeDocx([`Text ${at}`]))
    ids.push(id)
    if (at % 3 === 0) await putContent(app, id, makeDocx([`Text ${at}, again`]))
    if (at % 5 === 0) await ok(app.fetch(`/api/documents/${id}`, { method: 'DELETE' }))
  }
  await fillEveryTable(app.deps.database)
  // PostgreSQL has no NUL.
  await app.deps.database.updateTable('people').set({ name: 'Nu\0l 😀', email: null }).execute()
  const snapshot = Buffer.from([0, 1, 0xff])
  await app.deps.database.updateTable('shared_states').set({ snapshot, snapshot_vector: snapshot }).execute()
  await app.close()
  return ids
}

export async function putContent(app: TestApp, id: string, bytes: Buffer, as = app.token): Promise<void> {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)]), 'again.docx')
  await ok(app.fetch(`/api/documents/${id}/content`, { method: 'PUT', body: form, as }))
}

async function ok(answer: Promise<Response>): Promise<Response> {
  const response = await answer
  if (!response.ok) throw new Error(`answered ${response.status}: ${await response.text()}`)
  return response
}

/** One row at least in each table, whatever its columns are, of a blob that there is. */
export async function fillEveryTable(db: Database): Promise<void> {
  const { document_id, sha256, size } = await db
    .selectFrom('versions')
    .select(['document_id', 'sha256', 'size'])
    .executeTakeFirstOrThrow()
  const tables = await db.introspection.getTables()
  for (const { name, key } of TABLES) {
    if ((await countRows(db, name)) > 0) continue
    const columns = tables.find((table) => table.name === name)?.columns ?? []
    const known: Row = { document_id, sha256, source_sha256: sha256, size, email: null }
    for (const [column, table, of] of [
      ['api_key_id', 'api_keys', 'id'],
      ['workspace_id', 'workspaces', 'id'],
      ['webhook_id', 'webhooks', 'id'],
      ['base_version_id', 'versions', 'id'],
      ['key', 'sessions', 'key'],
    ] as const) {
      const { rows } = await sql<{ value: string }>`
        select ${sql.ref(of)} as value from ${sql.table(table)} limit 1`.execute(db)
      if (rows[0] !== undefined) known[column] = rows[0].value
    }
    if (name === 'updates')
      Object.assign(
        known,
        await db.selectFrom('shared_states').select(['document_id', 'epoch']).executeTakeFirstOrThrow(),
      )
    const row = columns.map(({ name: column, dataType, isNullable }) => [
      column,
      // SQLite says so of keys, too.
      column in known ? known[column] : isNullable && !key.includes(column) ? null : sample(column, dataType),
    ])
    await insertRows(db, name, [Object.fromEntries(row)])
  }
}

function sample(column: string, dataType: string): unknown {
  if (/int/i.test(dataType)) return 1
  if (/bytea/i.test(dataType)) return createHash('sha512').update(column).digest()
  return column.endsWith('_at') || column === 'at' ? '2026-11-21T08:00:00.000Z' : `${column} “✓”`
}

export type Digests = Map<string, string>

/** What stands in each table, as PostgreSQL would have it. */
export async function digestsOf(home: Home): Promise<Digests> {
  const database = await openAsItIs(home.env.DATABASE_URL ?? '')
  try {
    const digests: Digests = new Map()
    for (const table of TABLES) {
      const { rows, digest } = await digestOf(database, table, false)
      digests.set(table.name, `${rows} ${digest}`)
    }
    return digests
  } finally {
    await database.destroy()
  }
}

function argsTo({ env }: Home): string[] {
  return ['migrate', '--to-database', env.DATABASE_URL ?? '', '--to-blobs', env.BLOBS_URL ?? '', '--json']
}

export function migrate(from: Home, to: Home): Promise<CliRun> {
  return runCli(from, ...argsTo(to))
}

/** Kills a migration as soon as something is true. @throws when it ended before */
export async function killedMigration(from: Home, to: Home, isTime: () => Promise<boolean>): Promise<void> {
  const { child, ended } = startCli(from, ...argsTo(to))
  let isOver = false
  const over = ended.then((run) => {
    isOver = true
    return run
  })
  while (!isOver && !(await isTime())) await delay(5)
  child.kill('SIGKILL')
  expect((await over).code).toBe(null)
}

/** How many blobs lie in a data folder. */
export async function countBlobs(dataDir: string): Promise<number> {
  const names = await fs.readdir(`${dataDir}/blobs`, { recursive: true }).catch(() => [])
  return names.filter((name) => /[0-9a-f]{64}$/.test(name)).length
}

/** Every version that there is, read by its row. @returns how many */
export async function readEveryVersion({ deps }: TestApp): Promise<number> {
  const rows = await deps.database.selectFrom('versions').select(['sha256', 'size']).execute()
  for (const { sha256, size } of rows) {
    const hash = createHash('sha256')
    let length = 0
    for await (const chunk of await deps.blobs.get(sha256)) {
      hash.update(chunk)
      length += (chunk as Buffer).length
    }
    expect([hash.digest('hex'), length]).toEqual([sha256, size])
  }
  return rows.length
}
