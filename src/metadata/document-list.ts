import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { isPostgres } from './engine.ts'
import { inFolder } from './in-folder.ts'
import type { Database, DocumentRow } from './schema.ts'
import { findTitles } from './search.ts'
import { withoutIndex } from './without-index.ts'

export const SORT_COLUMNS = ['created_at', 'updated_at', 'title', 'file_type', 'size'] as const
export type SortColumn = (typeof SORT_COLUMNS)[number]

export type DocumentFilter = {
  /** Undefined: all workspaces. */
  workspaceId: string | undefined
  isDeleted: boolean
  fileTypes?: readonly string[] | undefined
  /** Folded words that the title holds. */
  search?: string | undefined
  folder?: { path: string; isDeep: boolean } | undefined
  externalId?: string | undefined
  /** All of these values. */
  metadata?: Readonly<Record<string, string>> | undefined
}

export type DocumentOrder = {
  sortBy: SortColumn
  isDescending: boolean
  skip: number
  take: number
  /** The last document of the page before. */
  after?: { value: string | number; id: string } | undefined
}

type Sql = RawBuilder<unknown>
type Condition = RawBuilder<SqlBool>

/** So many rows are read and sorted about as fast as a page of them is found along the index of the order. */
const FEW = 1500

/** A filter whose words were looked up: the rows of the index that hold them. */
type Looked = DocumentFilter & { hits: (number | string)[] | undefined }

/** One page, with the number of all that fit; of a search it counts the hits that it looks at. */
export async function listDocuments(
  db: Database,
  filter: DocumentFilter,
  order: DocumentOrder,
): Promise<{ documents: DocumentRow[]; totalCount: number }> {
  const { search } = filter
  const looked = { ...filter, hits: search === undefined ? undefined : await findTitles(db, search, filter) }
  return { documents: await pageOf(db, looked, order), totalCount: await countOf(db, looked) }
}

async function pageOf(
  db: Database,
  filter: Looked,
  { sortBy, isDescending, skip, take, after }: DocumentOrder,
): Promise<DocumentRow[]> {
  const { source, conditions } = chosen(db, filter)
  const page = { isDescending, skip, take }
  let isFew = source !== undefined || filter.externalId !== undefined
  if (!isFew && (isNarrow(filter) || skip > 0)) {
    const total = await countKinds(db, filter)
    isFew = isNarrow(filter) && total <= FEW
    if (total <= skip && after === undefined) return []
    // The far half is nearer from the other end.
    if (!isFew && after === undefined && skip > total / 2) {
      page.take = Math.min(take, total - skip)
      page.skip = total - skip - page.take
      page.isDescending = !isDescending
    }
  }
  const plus = isFew ? withoutIndex(db) : sql``
  const column = sql`${plus}${sql.ref(`documents.${sortBy}`)}`
  const id = sql`${plus}documents.id`
  const direction = page.isDescending ? sql`desc` : sql`asc`
  const where = [
    ...conditions,
    ...kindConditions(db, filter, sortBy, isFew),
    ...(after === undefined
      ? []
      : [sql<SqlBool>`(${column}, ${id}) ${isDescending ? sql`<` : sql`>`} (${after.value}, ${after.id})`]),
  ]
  const { rows } = await sql<DocumentRow>`select documents.* from ${source ?? sql`documents`}
    where ${sql.join(where, sql` and `)} order by ${column} ${direction}, ${id} ${direction}
    limit ${page.take} offset ${page.skip}`.execute(db)
  return page.isDescending === isDescending ? rows : rows.reverse()
}

async function countOf(db: Database, filter: Looked): Promise<number> {
  const { workspaceId, hits, externalId, metadata } = filter
  if (externalId === undefined && metadata === undefined) {
    if (hits === undefined) return countKinds(db, filter)
    if (workspaceId !== undefined && !isNarrow(filter)) return hits.length
  }
  const { source, conditions } = chosen(db, filter)
  const where = [...conditions, ...kindConditions(db, filter, 'updated_at', true)]
  const { rows } = await sql<{ total: number }>`select count(*) as total from ${source ?? sql`documents`}
    where ${sql.join(where, sql` and `)}`.execute(db)
  return Number(rows[0]?.total ?? 0)
}

async function countKinds(db: Database, filter: DocumentFilter): Promise<number> {
  const { workspaceId, isDeleted, fileTypes, folder } = filter
  let query = db
    .selectFrom('document_counts')
    .select((row) => row.fn.coalesce(row.fn.sum<number>('count'), row.lit(0)).as('total'))
    .where('is_deleted', '=', isDeleted ? 1 : 0)
  if (workspaceId !== undefined) query = query.where('workspace_id', '=', workspaceId)
  if (fileTypes !== undefined) query = query.where('file_type', 'in', fileTypes)
  if (folder !== undefined) query = query.where(inFolder(db, folder))
  return Number((await query.executeTakeFirstOrThrow()).total)
}

function isNarrow({ fileTypes, folder }: DocumentFilter): boolean {
  return fileTypes !== undefined || (folder !== undefined && !isEverywhere(folder))
}

function isEverywhere({ path, isDeep }: { path: string; isDeep: boolean }): boolean {
  return path === '/' && isDeep
}

/**
 * @param isFree SQLite chooses the index; otherwise it is to go along that of the order, and what a plus
 *   sign stands before only compares: sqlite.org/optoverview.html §2
 */
function kindConditions(
  db: Database,
  { workspaceId, isDeleted, fileTypes, folder }: DocumentFilter,
  sortBy: SortColumn,
  isFree: boolean,
): Condition[] {
  // These orders have an index for the filter, too.
  const isFolderRead =
    isFree || (folder?.isDeep === false && fileTypes === undefined && sortBy === 'updated_at')
  const isTypeRead = isFree || sortBy === 'file_type'
  const plus = (isRead: boolean) => (isRead ? sql`` : withoutIndex(db))
  return [
    isDeleted ? sql`deleted_at is not null` : sql`deleted_at is null`,
    ...(workspaceId === undefined ? [] : [sql<SqlBool>`workspace_id = ${workspaceId}`]),
    ...(fileTypes === undefined
      ? []
      : [sql<SqlBool>`${plus(isTypeRead)}file_type in (${sql.join(fileTypes)})`]),
    ...(folder === undefined || isEverywhere(folder) ? [] : [inFolder(db, folder, plus(isFolderRead))]),
  ]
}

type Chosen = { source: Sql | undefined; conditions: Condition[] }

/** What finds the documents first, if anything finds few of them. A `cross join` keeps its order in SQLite. */
function chosen(db: Database, filter: Looked): Chosen {
  const { hits, externalId, metadata = {} } = filter
  const [first, ...others] = Object.entries(metadata)
  const conditions = externalId === undefined ? [] : [sql<SqlBool>`external_id = ${externalId}`]
  if (hits !== undefined) {
    conditions.push(...Object.entries(metadata).map((value) => hasValue(db, value)))
    return {
      source: isPostgres(db)
        ? sql`unnest(${hits}::text[]) as found(hit) join documents on documents.id = hit`
        : sql`(select value as hit from json_each(${JSON.stringify(hits)})) cross join documents on search_row = hit`,
      conditions,
    }
  }
  if (first === undefined) return { source: undefined, conditions }
  conditions.push(...others.map((value) => hasValue(db, value)))
  const having = sql`(select document_id as hit from document_metadata where ${isValue(db, first)}) as found`
  const join = isPostgres(db) ? sql`join` : sql`cross join`
  return { source: sql`${having} ${join} documents on documents.id = hit`, conditions }
}

function hasValue(db: Database, value: [string, string]): Condition {
  return sql`exists (select 1 from document_metadata
    where document_id = documents.id and ${isValue(db, value)})`
}

/** Long values do not fit into an index of PostgreSQL: their digests do. */
function isValue(db: Database, [name, value]: [string, string]): Condition {
  const digest = isPostgres(db) ? sql`and md5(value) = md5(${value})` : sql``
  return sql`name = ${name} ${digest} and value = ${value}`
}
