import { sql } from 'kysely'
import type { Database } from './schema.ts'

export type CountedRows = { documents: number; trashed: number; versions: number }

/** From counts that are kept and from one index: cheap however much there is. */
export async function countRows(db: Database): Promise<CountedRows> {
  const counts = await db
    .selectFrom('document_counts')
    .select(['is_deleted', sql<number>`sum(count)`.as('count')])
    .groupBy('is_deleted')
    .execute()
  const of = (isDeleted: number) => Number(counts.find((row) => row.is_deleted === isDeleted)?.count ?? 0)
  const { versions } = await db
    .selectFrom('versions')
    .select((row) => row.fn.countAll<number>().as('versions'))
    .executeTakeFirstOrThrow()
  return { documents: of(0), trashed: of(1), versions: Number(versions) }
}

/** Bytes of the newest versions of what lies in the trash. */
export async function bytesInTrash(db: Database): Promise<number> {
  const { bytes } = await db
    .selectFrom('documents')
    .select(sql<number>`coalesce(sum(size), 0)`.as('bytes'))
    .where('deleted_at', 'is not', null)
    .executeTakeFirstOrThrow()
  return Number(bytes)
}
