import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { isPostgres } from '../metadata/engine.ts'
import type { Database } from '../metadata/schema.ts'
import { searchTag } from '../metadata/search-tag.ts'
import {
  countRows,
  insertRows,
  MADE_COLUMNS,
  type Row,
  type Rows,
  rowsOf,
  TABLES,
  type Table,
} from '../metadata/tables.ts'
import type { Progress } from './progress.ts'
import { Refusal } from './refusal.ts'

const AT_ONCE = 500

type RowsDeps = { source: Database; target: Database; progress: Progress }

/**
 * Replaces all rows of the target by those of one state of the source, in one transaction: cut short,
 * the target is as it was.
 *
 * @returns how many
 * @throws Refusal `target-unusable`
 */
export async function copyRows({ source, target, progress }: RowsDeps): Promise<number> {
  try {
    const copied = await inSnapshot(source, (from) =>
      target.transaction().execute(async (to) => {
        await progress.begin('Copying rows', () => countAll(from))
        await clear(to)
        let copied = 0
        for (const table of TABLES) {
          for await (const rows of rowsOf(from, table)) {
            await insertRows(to, table.name, rows)
            copied += rows.length
            for (const _ of rows) progress.step()
          }
        }
        if (!isPostgres(to)) await indexTitles(to)
        return copied
      }),
    )
    await lookOver(target)
    return copied
  } catch (error) {
    throw refusedRows(error)
  } finally {
    progress.end()
  }
}

/** SQLite sets no limit to a value in an index, PostgreSQL does. */
function refusedRows(error: unknown): unknown {
  if (!(error instanceof Error && 'severity' in error)) return error
  return new Refusal('target-unusable', `PostgreSQL refuses a row: ${error.message}`, { cause: error })
}

/** PostgreSQL plans by what it knows of its tables; by itself it looks minutes later, also if this fails. */
async function lookOver(target: Database): Promise<void> {
  if (!isPostgres(target)) return
  await sql`analyze`.execute(target).catch(() => undefined)
  // Each document that came in has left a dead row there.
  await sql`vacuum document_counts`.execute(target).catch(() => undefined)
}

async function inSnapshot<T>(db: Database, read: (db: Rows) => Promise<T>): Promise<T> {
  if (isPostgres(db)) {
    const tx = await db.startTransaction().execute()
    return read(tx).finally(() => tx.rollback().execute())
  }
  await sql`begin deferred`.execute(db)
  return read(db).finally(() => sql`rollback`.execute(db))
}

async function countAll(db: Rows): Promise<number> {
  let count = 0
  for (const { name } of TABLES) count += await countRows(db, name)
  return count
}

async function clear(tx: Rows): Promise<void> {
  if (isPostgres(tx)) {
    // Row by row, each one would be looked for in all that refers to it. What fires on a row does not fire.
    const names = [...TABLES.map(({ name }) => name), 'document_counts']
    await sql`truncate ${sql.join(names.map((name) => sql.table(name)))}`.execute(tx)
    return
  }
  for (const { name } of TABLES.toReversed()) await sql`delete from ${sql.table(name)}`.execute(tx)
  await tx.deleteFrom('document_counts').execute()
  await tx.deleteFrom('document_search').execute()
}

/** SQLite: titles for searching, numbered as they came in, for the newest are found first. */
async function indexTitles(tx: Rows): Promise<void> {
  await sql`create temp table numbered (row integer primary key, id text not null)`.execute(tx)
  await sql`insert into numbered
    select row_number() over (order by created_at, id), id from documents`.execute(tx)
  for (let after = 0; ; ) {
    const { rows } = await sql<Titled>`select row, id, workspace_id, folded_title, deleted_at
      from numbered join documents using (id) where row > ${after} order by row limit ${AT_ONCE}`.execute(tx)
    const last = rows.at(-1)
    if (last === undefined) break
    await tx.insertInto('document_search').values(rows.map(indexed)).execute()
    after = last.row
  }
  await sql`update documents set search_row = numbered.row from numbered
    where numbered.id = documents.id`.execute(tx)
  await sql`drop table numbered`.execute(tx)
}

type Titled = {
  row: number
  id: string
  workspace_id: string
  folded_title: string
  deleted_at: string | null
}

/** As `indexTitle` and the trigger `documents_tagged` leave it. */
function indexed({ row, id, workspace_id, folded_title, deleted_at }: Titled) {
  return {
    rowid: row,
    tag: searchTag(workspace_id, deleted_at !== null),
    // SQLite's queries end at a NUL.
    title: folded_title.replaceAll('\0', ' '),
    document_id: id,
  }
}

/**
 * Reads all rows of both sides once more.
 *
 * @returns names of the tables that differ
 */
export async function unequalTables({ source, target, progress }: RowsDeps): Promise<string[]> {
  const unequal: string[] = []
  // PostgreSQL's text holds every character but this one: see postgres-driver.ts.
  const isNulKept = !isPostgres(source) && !isPostgres(target)
  try {
    await progress.begin('Comparing rows', () => countAll(source))
    for (const table of TABLES) {
      const there = await digestOf(target, table, isNulKept)
      const here = await digestOf(source, table, isNulKept, () => progress.step())
      if (there.rows !== here.rows || there.digest !== here.digest) unequal.push(table.name)
    }
    if (!isPostgres(target) && (await countUnindexed(target)) > 0) unequal.push('document_search')
  } finally {
    progress.end()
  }
  return unequal
}

/**
 * The sum of the SHA-256 of all rows: keys with a NUL do not stand in the same place on both sides.
 */
export async function digestOf(
  db: Rows,
  table: Table,
  isNulKept: boolean,
  step = () => {},
): Promise<{ rows: number; digest: string }> {
  let count = 0
  let sum = 0n
  for await (const rows of rowsOf(db, table)) {
    for (const row of rows) {
      const text = JSON.stringify(comparable(table.name, row, isNulKept))
      sum += BigInt(`0x${sha256Of(text)}`)
      count += 1
      step()
    }
  }
  return { rows: count, digest: BigInt.asUintN(256, sum).toString(16) }
}

function sha256Of(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function comparable(table: string, row: Row, isNulKept: boolean): unknown[] {
  return Object.entries(row)
    .filter(([column]) => !MADE_COLUMNS.has(`${table}.${column}`))
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([column, value]) => {
      if (typeof value === 'string') return [column, isNulKept ? value : value.replaceAll('\0', '\uFFFD')]
      return [column, value instanceof Uint8Array ? { sha256: sha256Of(value) } : value]
    })
}

/** Documents that a search in SQLite would not find. */
async function countUnindexed(db: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from documents
    left join document_search on document_search.rowid = documents.search_row
    where document_search.document_id is not documents.id`.execute(db)
  return rows[0]?.count ?? 0
}
