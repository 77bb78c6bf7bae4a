import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/metadata/database.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { MADE_TABLES, TABLES } from '../../src/metadata/tables.ts'
import { freshFolder } from '../cli/run.ts'
import { startPostgres } from '../support/postgres.ts'

type Described = { table: string; key: string[]; refersTo: string[] }

const opened = new AsyncDisposableStack()
let sqlite: Database
let postgres: Database

beforeAll(async () => {
  const folder = opened.use(await freshFolder())
  sqlite = await openDatabase(`sqlite:${folder.at('metadata.sqlite')}`)
  opened.defer(() => sqlite.destroy())
  const server = opened.use(await startPostgres())
  postgres = await openDatabase(`${server.url}/postgres`)
  opened.defer(() => postgres.destroy())
})
afterAll(() => opened.disposeAsync())

async function describedBySqlite(): Promise<Described[]> {
  const { rows } = await sql<{ table: string; key: string; refers: string }>`
    select name as "table",
      (select json_group_array(name) from (select name from pragma_table_info(tables.name) where pk > 0 order by pk)) as key,
      (select json_group_array("table") from pragma_foreign_key_list(tables.name)) as refers
    from sqlite_master as tables where type = 'table'`.execute(sqlite)
  return rows.map(({ table, key, refers }) => ({
    table,
    key: JSON.parse(key),
    refersTo: JSON.parse(refers),
  }))
}

async function describedByPostgres(): Promise<Described[]> {
  const { rows } = await sql<Described>`
    select relname as "table",
      array(select attname::text from pg_index
        join unnest(indkey) with ordinality as columns (number, place) on true
        join pg_attribute on attrelid = indrelid and attnum = number
        where indrelid = pg_class.oid and indisprimary order by place) as key,
      array(select confrelid::regclass::text from pg_constraint
        where conrelid = pg_class.oid and contype = 'f') as "refersTo"
    from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace`.execute(postgres)
  return rows
}

test.each([
  ['SQLite', describedBySqlite],
  ['PostgreSQL', describedByPostgres],
])('every table of %s is copied, by its key, behind those that it refers to', async (_name, describe) => {
  const found = (await describe()).filter(({ table }) => !MADE_TABLES.test(table))
  const names = TABLES.map(({ name }) => name as string)
  expect(found.map(({ table }) => table).sort()).toEqual(names.toSorted())
  const keys = new Map(TABLES.map(({ name, key }) => [name as string, key]))
  for (const { table, key, refersTo } of found) {
    expect([table, key]).toEqual([table, keys.get(table)])
    for (const other of refersTo) expect(names.indexOf(other)).toBeLessThan(names.indexOf(table))
  }
})

test('the columns of every table have the same names in both engines', async () => {
  const columnsOf = async (db: Database) => {
    const tables = await db.introspection.getTables()
    const own = tables.filter(({ name }) => !MADE_TABLES.test(name))
    return Object.fromEntries(own.map(({ name, columns }) => [name, columns.map((it) => it.name).sort()]))
  }
  expect(await columnsOf(postgres)).toEqual(await columnsOf(sqlite))
})
