import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { Caller } from '../../src/core/callers.ts'
import { foldedTitle } from '../../src/core/titles.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { searchTag } from '../../src/metadata/search-tag.ts'
import { temporaryFolder } from './service.ts'
import { titleOf } from './titles.ts'

export const LARGE = 'large'
export const SMALL = 'small-1'
/** Of the large workspace. */
export const client: Caller = {
  kind: 'client',
  id: 'bench',
  name: 'Bench',
  workspaceId: LARGE,
  permissions: ['documents:read'],
}
/** Documents in the large workspace that are not in the trash. */
export const MILLION = 1_000_000
const TRASHED = 50_000
const SMALL_WORKSPACES = 20
const IN_A_SMALL_ONE = 100

/** The oldest tenth: a page of the newest finds nothing of it for long. */
export const OLD_FOLDER = '/Archive'
/** About half of all, in a thousand folders. */
export const WIDE_FOLDER = '/Clients'
export const ONE_CLIENT = '/Clients/Client 7'

const THREE_YEARS_MS = 3 * 365 * 24 * 3600_000
const START = Date.UTC(2023, 0, 1)

/** Of each hundred thousand documents so many. */
const TYPES = { docx: 45_000, xlsx: 25_000, pptx: 12_000, pdf: 12_000, odt: 3000, csv: 2990, md: 10 }
const typeOfHundredThousand = Object.entries(TYPES).flatMap(([type, count]) =>
  Array<string>(count).fill(type),
)

let seeded: Promise<AsyncDisposable & { database: Database }> | undefined

/** The same for all rows of a run. */
export async function seededMillion(): Promise<Database> {
  seeded ??= seedMillion()
  return (await seeded).database
}

/** After the last row. */
export async function dropMillion(): Promise<void> {
  await (await seeded)?.[Symbol.asyncDispose]()
}

/** A database with a million documents, in a temporary folder. */
export async function seedMillion(): Promise<AsyncDisposable & { database: Database }> {
  const folder = await temporaryFolder()
  const path = join(folder.path, 'metadata.sqlite')
  try {
    await seedDocuments(path, MILLION + TRASHED)
  } catch (error) {
    await folder[Symbol.asyncDispose]()
    throw error
  }
  const database = await openDatabase(`sqlite:${path}`)
  return {
    database,
    async [Symbol.asyncDispose]() {
      await database.destroy()
      await folder[Symbol.asyncDispose]()
    },
  }
}

/** So many documents, a twenty-first of them in the trash, in a new database. */
export async function seedDocuments(path: string, all: number): Promise<void> {
  await (await openDatabase(`sqlite:${path}`)).destroy()
  fill(path, all)
}

function fill(path: string, all: number): void {
  const sqlite = new Sqlite(path)
  // Nothing here must outlive a crash.
  for (const setting of ['journal_mode = OFF', 'synchronous = OFF', 'cache_size = -500000']) {
    sqlite.pragma(setting)
  }
  const kept = sqlite
    .prepare(
      `select type, name, sql from sqlite_schema
        where tbl_name = 'documents' and type in ('index', 'trigger') and sql is not null`,
    )
    .all() as { type: string; name: string; sql: string }[]
  sqlite.exec('begin')
  for (const { type, name } of kept) sqlite.exec(`drop ${type} ${name}`)
  insertWorkspaces(sqlite)
  insertDocuments(sqlite, all)
  sqlite.exec(`insert into document_counts
    select workspace_id, deleted_at is not null, folder, file_type, count(*) from documents group by 1, 2, 3, 4`)
  // An index over rows that are there is built far faster than row by row.
  for (const { sql } of kept) sqlite.exec(sql)
  sqlite.exec('commit')
  sqlite.pragma('journal_mode = WAL')
  sqlite.close()
}

function insertWorkspaces(sqlite: Sqlite.Database): void {
  const insert = sqlite.prepare('insert into workspaces (id, name, created_at) values (?, ?, ?)')
  const now = new Date(START).toISOString()
  const names = Array.from({ length: SMALL_WORKSPACES }, (_, number) => `small-${number}`)
  for (const name of [LARGE, ...names]) insert.run(name, name, now)
}

function insertDocuments(sqlite: Sqlite.Database, all: number): void {
  const search = sqlite.prepare('insert into document_search (tag, title, document_id) values (?, ?, ?)')
  const document = sqlite.prepare(`insert into documents (
      id, workspace_id, title, folded_title, file_type, head_version_id, last_version_number, size, created_by,
      created_at, updated_at, deleted_at, folder, search_row
    ) values (?, ?, ?, ?, ?, ?, 1, ?, 'ann', ?, ?, ?, ?, ?)`)
  const random = randomNumbers(42)
  let made = 0
  const insert = (number: number, workspaceId: string, title: string, isDeleted: boolean) => {
    const age = number / all
    const created = START + age * THREE_YEARS_MS
    const updated = created + random() ** 4 * (START + THREE_YEARS_MS - created)
    const createdAt = new Date(created).toISOString()
    // Ids begin with the time, as those of the service.
    const id = `${Math.floor(created).toString(16).padStart(12, '0')}-${(made++).toString().padStart(23, '0')}`
    const folded = foldedTitle(title)
    const { lastInsertRowid } = search.run(searchTag(workspaceId, isDeleted), folded, id)
    document.run(
      id,
      workspaceId,
      title,
      folded,
      typeBy(random()),
      id,
      Math.floor(1000 * 1000 ** random()),
      createdAt,
      new Date(updated).toISOString(),
      isDeleted ? new Date(START + THREE_YEARS_MS + number).toISOString() : null,
      folderBy(age, random),
      lastInsertRowid,
    )
  }
  const between = Math.floor(all / (SMALL_WORKSPACES * IN_A_SMALL_ONE))
  let inSmall = 0
  for (let number = 0; number < all; number++) {
    insert(number, LARGE, titleOf(number, random), number % 21 === 20)
    if (number % between !== 0) continue
    inSmall += 1
    insert(number, `small-${inSmall % SMALL_WORKSPACES}`, `Notes of the choir ${inSmall}`, false)
  }
}

function typeBy(random: number): string {
  return typeOfHundredThousand[Math.floor(random * typeOfHundredThousand.length)] ?? 'docx'
}

function folderBy(age: number, random: () => number): string {
  if (age < 0.1) return OLD_FOLDER
  const kind = random()
  if (kind < 0.3) return '/'
  const number = Math.floor(random() * 500)
  return kind < 0.6 ? `/Clients/Client ${number}` : `/Clients/Client ${number}/Letters`
}

/** From 0 up to 1, the same in every run. Source: mulberry32 (public domain). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
