import { sql } from 'kysely'
import type { Database } from './schema.ts'

/** What a row says of a blob. */
export type Mention = {
  sha256: string
  /** Bytes; null where the row does not say. */
  size: number | null
}

export type Mentioner = {
  what: (typeof COLUMNS)[number]['what']
  /** Of the version, save or submission; that of the document for an attachment, the source's address for a thumbnail. */
  id: string
  documentId: string | null
  title: string | null
  versionNumber: number | null
}

type Column = { what: string; table: string; column: string; size?: string; id?: string; document?: null }

/** Every column that holds the address of a blob. */
const COLUMNS = [
  { what: 'version', table: 'versions', column: 'sha256', size: 'size' },
  { what: 'changes of a version', table: 'versions', column: 'changes_sha256' },
  { what: 'JSON of a version', table: 'versions', column: 'json_sha256' },
  { what: 'save', table: 'saves', column: 'sha256', size: 'size' },
  { what: 'submission', table: 'submissions', column: 'sha256', size: 'size' },
  { what: 'data of a submission', table: 'submissions', column: 'data_sha256' },
  { what: 'attachment', table: 'attachments', column: 'sha256', id: 'document_id' },
  {
    what: 'thumbnail',
    table: 'thumbnails',
    column: 'sha256',
    size: 'size',
    id: 'source_sha256',
    document: null,
  },
] as const satisfies Column[]

export const BLOB_COLUMNS: readonly Column[] = COLUMNS

/** Those that there are: the copy of a database may be of an earlier schema. */
async function columnsOf(db: Database): Promise<Column[]> {
  const tables = await db.introspection.getTables()
  return BLOB_COLUMNS.filter(({ table, column }) =>
    tables.some((one) => one.name === table && one.columns.some(({ name }) => name === column)),
  )
}

const AT_ONCE = 1000

/** Every blob that a row mentions, once for each size that rows give it, in the order of addresses. */
export async function* mentionedBlobs(db: Database): AsyncGenerator<Mention> {
  const columns = await columnsOf(db)
  for (let after = ''; ; ) {
    const { rows } = await sql<Mention>`${sql.join(
      columns.map(
        // PostgreSQL takes a null without a type for text, and wants a name for what is selected from.
        (of) => sql`select * from (select distinct ${sql.ref(of.column)} as sha256,
          ${of.size === undefined ? sql`cast(null as bigint)` : sql.ref(of.size)} as size from ${sql.table(of.table)}
          where ${sql.ref(of.column)} > ${after} ${isKept(of)} order by 1 limit ${AT_ONCE}) as page`,
      ),
      sql` union `,
    )} order by sha256 limit ${AT_ONCE}`.execute(db)
    const last = rows.at(-1)?.sha256
    if (last === undefined) return
    // The last one may have more sizes behind the limit: the next page begins with it.
    const whole =
      rows.length < AT_ONCE || rows[0]?.sha256 === last ? rows : rows.filter((row) => row.sha256 !== last)
    yield* whole
    if (rows.length < AT_ONCE) return
    after = whole.at(-1)?.sha256 ?? last
  }
}

/** Which of these blobs a row mentions; of a database with today's schema. */
export async function mentionedAmong(db: Database, addresses: readonly string[]): Promise<Set<string>> {
  const { rows } = await sql<{ sha256: string }>`${sql.join(
    BLOB_COLUMNS.map(
      (of) => sql`select ${sql.ref(of.column)} as sha256 from ${sql.table(of.table)}
        where ${sql.ref(of.column)} in (${sql.join(addresses)}) ${isKept(of)}`,
    ),
    sql` union `,
  )}`.execute(db)
  return new Set(rows.map(({ sha256 }) => sha256))
}

/** How many `mentionedBlobs` gives, or nearly. */
export async function countMentionedBlobs(db: Database): Promise<number> {
  const columns = await columnsOf(db)
  const { rows } = await sql<{ count: number }>`select count(*) as count from (${sql.join(
    columns.map(
      (of) => sql`select ${sql.ref(of.column)} as sha256 from ${sql.table(of.table)}
        where ${sql.ref(of.column)} is not null ${isKept(of)}`,
    ),
    sql` union `,
  )}) as mentioned`.execute(db)
  return Number(rows[0]?.count ?? 0)
}

/** Who mentions a blob, a few of them. */
export async function mentionersOf(db: Database, sha256: string, most = 10): Promise<Mentioner[]> {
  const columns = await columnsOf(db)
  const { rows } = await sql<Mentioner>`${sql.join(
    columns.map((of) => {
      const number = of.table === 'versions' ? sql`mentioner.number` : sql`null`
      const document = of.document === null ? sql`null` : sql`mentioner.document_id`
      return sql`select ${sql.lit(of.what)} as "what", ${sql.ref(`mentioner.${of.id ?? 'id'}`)} as "id",
        ${document} as "documentId", documents.title as "title", ${number} as "versionNumber"
        from ${sql.table(of.table)} as mentioner left join documents on documents.id = ${document}
        where ${sql.ref(`mentioner.${of.column}`)} = ${sha256} ${isKept(of, sql`mentioner.`)}`
    }),
    sql` union all `,
  )} limit ${most}`.execute(db)
  return rows
}

/** The bytes of some versions were given up. */
function isKept({ table }: { table: string }, prefix = sql``) {
  return table === 'versions' ? sql`and ${prefix}deleted_at is null` : sql``
}
