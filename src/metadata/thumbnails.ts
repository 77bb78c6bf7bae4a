import type { Updateable } from 'kysely'
import type { Database, Schema, ThumbnailRow } from './schema.ts'

/** What a picture is of: the same bytes look different as another type. */
export type ThumbnailKey = Pick<ThumbnailRow, 'source_sha256' | 'file_type' | 'width'>

export function findThumbnail(db: Database, key: ThumbnailKey): Promise<ThumbnailRow | undefined> {
  return ofKey(db.selectFrom('thumbnails').selectAll(), key).executeTakeFirst()
}

/**
 * Has a picture made that there is not, or that failed; one that waits already keeps its place.
 *
 * @param most rows that may wait
 * @returns whether there was room
 */
export async function wantThumbnail(
  db: Database,
  key: ThumbnailKey,
  { now, most }: { now: string; most: number },
): Promise<boolean> {
  const { waiting } = await db
    .selectFrom('thumbnails')
    .select((row) => row.fn.countAll().as('waiting'))
    .where('next_attempt_at', 'is not', null)
    .executeTakeFirstOrThrow()
  if (Number(waiting) >= most) return false
  const wanted = { sha256: null, size: null, error: null, attempts: 0, next_attempt_at: now, updated_at: now }
  await db
    .insertInto('thumbnails')
    .values({ ...key, ...wanted })
    .onConflict((conflict) =>
      conflict
        .columns(['source_sha256', 'file_type', 'width'])
        .doUpdateSet(wanted)
        .where('thumbnails.next_attempt_at', 'is', null),
    )
    .execute()
  return true
}

/** The longest due. Of two processes that want the same one, one gets it; it is the other's again after `until`. */
export function claimThumbnail(
  db: Database,
  { now, until }: { now: string; until: string },
): Promise<ThumbnailRow | undefined> {
  return db.transaction().execute(async (tx) => {
    const due = await tx
      .selectFrom('thumbnails')
      .selectAll()
      .where('next_attempt_at', '<=', now)
      .orderBy('next_attempt_at')
      .limit(1)
      .executeTakeFirst()
    if (due === undefined) return undefined
    const claim = { attempts: due.attempts + 1, next_attempt_at: until }
    return ofKey(tx.updateTable('thumbnails').set(claim), due)
      .where('next_attempt_at', '=', due.next_attempt_at)
      .returningAll()
      .executeTakeFirst()
  })
}

/** Notes how far a claimed one got, unless somebody else has claimed it since. */
export async function updateClaimed(
  db: Database,
  claimed: ThumbnailRow,
  change: Updateable<Schema['thumbnails']>,
): Promise<void> {
  await ofKey(db.updateTable('thumbnails').set(change), claimed)
    .where('next_attempt_at', '=', claimed.next_attempt_at)
    .execute()
}

export async function deleteClaimed(db: Database, claimed: ThumbnailRow): Promise<void> {
  await ofKey(db.deleteFrom('thumbnails'), claimed)
    .where('next_attempt_at', '=', claimed.next_attempt_at)
    .execute()
}

export type HeadWithBytes = { id: string; document_id: string; size: number; title: string }

/** A head that has these bytes, of a document that is not in the trash. */
export function headWithBytes(
  db: Database,
  { source_sha256, file_type }: ThumbnailKey,
): Promise<HeadWithBytes | undefined> {
  return (
    db
      .selectFrom('versions')
      .innerJoin('documents', 'documents.id', 'versions.document_id')
      .select(['versions.id', 'versions.document_id', 'versions.size', 'documents.title'])
      // By the document first: heads have no index of their own.
      .whereRef('documents.head_version_id', '=', 'versions.id')
      .where('versions.sha256', '=', source_sha256)
      .where('versions.file_type', '=', file_type)
      .where('documents.deleted_at', 'is', null)
      .executeTakeFirst()
  )
}

/**
 * Forgets pictures of what is no document's head any more.
 *
 * @param after last source of the portion before
 * @returns last source of this portion; undefined when it was the last one
 */
export async function pruneThumbnails(
  db: Database,
  { after, most }: { after: string; most: number },
): Promise<string | undefined> {
  const portion = await db
    .selectFrom('thumbnails')
    .select('source_sha256')
    .distinct()
    .where('source_sha256', '>', after)
    .orderBy('source_sha256')
    .limit(most)
    .execute()
  const last = portion.at(-1)?.source_sha256
  if (last === undefined) return undefined
  await db
    .deleteFrom('thumbnails')
    .where('source_sha256', '>', after)
    .where('source_sha256', '<=', last)
    .where('next_attempt_at', 'is', null)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('versions')
            .innerJoin('documents', 'documents.id', 'versions.document_id')
            .select('versions.id')
            .whereRef('documents.head_version_id', '=', 'versions.id')
            .whereRef('versions.sha256', '=', 'thumbnails.source_sha256'),
        ),
      ),
    )
    .execute()
  return portion.length < most ? undefined : last
}

function ofKey<Query extends { where(column: keyof ThumbnailKey, is: '=', value: string | number): Query }>(
  query: Query,
  { source_sha256, file_type, width }: ThumbnailKey,
): Query {
  return query
    .where('source_sha256', '=', source_sha256)
    .where('file_type', '=', file_type)
    .where('width', '=', width)
}
