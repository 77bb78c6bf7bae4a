import { type RawBuilder, type SqlBool, sql } from 'kysely'
import type { Database } from './schema.ts'

/** Hits that are looked at: sorting all hits of a common word would take long. The newest count. */
const MOST_HITS = 1000
/** What no index helps with is compared row by row. */
const MOST_COMPARED = 20_000
/** Shorter words have no trigram. */
const TERM_LENGTH = 3

/**
 * Ids of documents whose titles hold all words: the newest 1,000. When no word has three characters,
 * the newest 20,000 titles are compared.
 */
export async function findTitlesByTrigram(
  db: Database,
  words: readonly string[],
  { workspaceId, isDeleted }: { workspaceId: string | undefined; isDeleted: boolean },
): Promise<string[]> {
  const places: RawBuilder<SqlBool>[] =
    workspaceId === undefined
      ? []
      : [
          sql`workspace_id = ${workspaceId}`,
          isDeleted ? sql`deleted_at is not null` : sql`deleted_at is null`,
        ]
  const holds = words.map((word) => sql<SqlBool>`folded_title like ${`%${literal(word)}%`}`)
  const isIndexed = words.some((word) => [...word].length >= TERM_LENGTH)
  const { rows } = isIndexed
    ? await sql<{ id: string }>`select id from documents
        where ${sql.join([...places, ...holds], sql` and `)} order by id desc limit ${MOST_HITS}`.execute(db)
    : await sql<{ id: string }>`select id from (
          select id, folded_title from documents ${places.length === 0 ? sql`` : sql`where ${sql.join(places, sql` and `)}`}
          order by id desc limit ${MOST_COMPARED}) as newest
        where ${sql.join(holds, sql` and `)} limit ${MOST_HITS}`.execute(db)
  return rows.map(({ id }) => id)
}

/** Source: PostgreSQL, Pattern Matching, LIKE. */
function literal(word: string): string {
  return word.replace(/[\\%_]/g, '\\$&')
}
