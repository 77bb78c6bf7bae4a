import { type SqlBool, sql } from 'kysely'
import { isPostgres } from './engine.ts'
import type { Database, DocumentRow, Tx } from './schema.ts'
import { findTitlesByTrigram } from './search-postgres.ts'
import { searchTag } from './search-tag.ts'

/** The tokenizer's words are of three characters: shorter ones are looked for row by row. */
const TERM_LENGTH = 3
/** Hits that are looked at: sorting all hits of a common word would take long. The newest count. */
const MOST_HITS = 1000
/** What is compared row by row takes some microseconds each. */
const MOST_COMPARED = 20_000
/** Of a long text; all of it is compared with the titles anyway. */
const MOST_TERMS = 20
/** The newest hits of a term tell how rare it is. */
const SAMPLED = 200
/** A term this much more common than the rarest one costs more to look up than to compare. */
const COMMON_FACTOR = 4
/** A term of nearly all titles tells nothing. */
const LEAST_GAP = 1.5

type Titled = Pick<DocumentRow, 'id' | 'workspace_id' | 'folded_title' | 'search_row'>

/** @returns the row of the index; null where the index is PostgreSQL's own */
export async function indexTitle(
  tx: Tx,
  { id, workspace_id, folded_title, search_row }: Titled,
): Promise<number | null> {
  if (isPostgres(tx)) return null
  const title = searchable(folded_title)
  if (search_row !== null) {
    await tx.updateTable('document_search').set({ title }).where('rowid', '=', search_row).execute()
    return search_row
  }
  // RETURNING does not give the rowid that a virtual table chose.
  const { insertId } = await tx
    .insertInto('document_search')
    .values({ tag: searchTag(workspace_id), title, document_id: id })
    .executeTakeFirstOrThrow()
  return Number(insertId)
}

export async function dropTitle(tx: Tx, { search_row }: Pick<DocumentRow, 'search_row'>): Promise<void> {
  if (search_row === null) return
  await tx.deleteFrom('document_search').where('rowid', '=', search_row).execute()
}

/**
 * Titles that hold all words of the folded text, as rows of the index (in PostgreSQL ids): the newest 1,000. Newest is
 * what was made last. At most 20,000 titles are compared with the text: those that hold the rarest
 * parts of it, or just the newest when no word has three characters. Without a workspace what lies
 * in the trash is found, too.
 */
export async function findTitles(
  db: Database,
  text: string,
  { workspaceId, isDeleted }: { workspaceId: string | undefined; isDeleted: boolean },
): Promise<(number | string)[]> {
  const words = [...new Set(searchable(text).split(/\s+/u))].filter((word) => word !== '')
  if (words.length === 0) return []
  if (isPostgres(db)) return findTitlesByTrigram(db, words, { workspaceId, isDeleted })
  const tag = workspaceId === undefined ? undefined : searchTag(workspaceId, isDeleted)
  const terms = await rarestTerms(db, words, tag)
  if (terms === undefined) return []

  const match = terms.map(phrase).join(' AND ')
  const holds = words.map((word) => sql<SqlBool>`instr(title, ${word}) > 0`)
  if (tag !== undefined) holds.push(sql`tag = ${tag}`)
  const { rows } = await sql<{ row: number }>`select row from (
      select rowid as row, tag, title from document_search
        ${match === '' ? sql`` : sql`where document_search match ${match}`}
        order by rowid desc limit ${MOST_COMPARED})
    where ${sql.join(holds, sql` and `)} limit ${MOST_HITS}`.execute(db)
  return rows.map(({ row }) => row)
}

type Part = { term: string; word: string }
type Term = Part & { count: number; oldest: number; gap: number }

/**
 * What to look up in the index: walking through the hits of common terms takes long, so these are
 * only compared with what the rarest ones find.
 *
 * @returns undefined when no title can hold all; only the tag (or nothing) when no word is in the index
 */
async function rarestTerms(
  db: Database,
  words: string[],
  tag: string | undefined,
): Promise<string[] | undefined> {
  const parts = words.flatMap((word) => trigrams(word).map((term) => ({ term, word })))
  const every = Math.ceil(parts.length / MOST_TERMS)
  const asked = parts.filter((_, index) => index % every === 0)
  if (tag !== undefined) asked.push({ term: tag, word: tag })
  if (parts.length === 0) return asked.map(({ term }) => term)

  const terms = (await withGaps(db, asked)).toSorted((a, b) => b.gap - a.gap)
  const [rarest] = terms
  if (rarest === undefined || rarest.count === 0) return undefined
  if (rarest.count < SAMPLED) return [rarest.term]
  const least = Math.max(LEAST_GAP, rarest.gap / COMMON_FACTOR)
  // Parts of one word whose newest hits are the same find the same titles.
  const kept = terms.filter(
    ({ word, gap, oldest }, index) =>
      index === 0 ||
      (gap >= least &&
        !terms.slice(0, index).some((other) => other.word === word && other.oldest === oldest)),
  )
  return [...new Set(kept.map(({ term }) => term))]
}

/** How far apart the newest hits of each part lie. */
async function withGaps(db: Database, parts: Part[]): Promise<Term[]> {
  const { rows } = await sql<{ newest: number; sample: string }>`select
      (select rowid from document_search order by rowid desc limit 1) as newest,
      (select json_array(count(*), min(rowid)) from (
        select rowid from document_search where document_search match term.value
          order by rowid desc limit ${SAMPLED})) as sample
    from json_each(${JSON.stringify(parts.map(({ term }) => phrase(term)))}) as term order by term.key`.execute(
    db,
  )
  return parts.map((part, index) => {
    const { newest = 0, sample = '[0,0]' } = rows[index] ?? {}
    const [count, oldest] = JSON.parse(sample) as [number, number]
    return { ...part, count, oldest, gap: count < SAMPLED ? newest / count : (newest - oldest) / count }
  })
}

function trigrams(word: string): string[] {
  const characters = [...word]
  return characters.slice(TERM_LENGTH - 1).map((_, at) => characters.slice(at, at + TERM_LENGTH).join(''))
}

/** Source: SQLite FTS5, Full-text Query Syntax: a quoted string is a phrase, `"` in it is doubled. */
function phrase(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

/** SQLite's queries end at a NUL. */
function searchable(title: string): string {
  return title.replaceAll('\0', ' ')
}
