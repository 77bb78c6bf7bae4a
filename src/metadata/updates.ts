import { type Insertable, type Selectable, sql } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type SharedStateRow = Selectable<Schema['shared_states']>
export type UpdatesRow = Selectable<Schema['updates']>

/** One epoch of one document. */
export type Epoch = { documentId: string; epoch: number }

const EMPTY = {
  last_seq: 0,
  snapshot: null,
  snapshot_vector: null,
  snapshot_seq: 0,
  snapshot_bytes: 0,
  log_updates: 0,
  log_bytes: 0,
  ended_at: null,
} satisfies Partial<SharedStateRow>

/** The epoch that has not ended, without its snapshot. */
export function currentEpoch(db: Database, documentId: string) {
  return db
    .selectFrom('shared_states')
    .select(['epoch', 'last_seq', 'snapshot_seq'])
    .where('document_id', '=', documentId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
}

/** The epoch that has not ended. */
export function currentState(db: Database, documentId: string): Promise<SharedStateRow | undefined> {
  return db
    .selectFrom('shared_states')
    .selectAll()
    .where('document_id', '=', documentId)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
}

/**
 * Takes the next sequence numbers of an epoch.
 *
 * @param mostBytes what snapshot and log may be together
 * @returns undefined when the epoch has ended or never began, the document is deleted or it would be too much
 */
export function allocateUpdates(
  tx: Tx,
  { documentId, epoch }: Epoch,
  { count, bytes, mostBytes }: { count: number; bytes: number; mostBytes: number },
) {
  return tx
    .updateTable('shared_states')
    .set((row) => ({
      last_seq: row('last_seq', '+', count),
      log_updates: row('log_updates', '+', count),
      log_bytes: row('log_bytes', '+', bytes),
    }))
    .where('document_id', '=', documentId)
    .where('epoch', '=', epoch)
    .where('ended_at', 'is', null)
    .where(sql<number>`snapshot_bytes + log_bytes`, '<=', mostBytes - bytes)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('documents').select('id').where('id', '=', documentId).where('deleted_at', 'is', null),
      ),
    )
    .returning(['last_seq', 'log_updates', 'log_bytes'])
    .executeTakeFirst()
}

export async function isUndeleted(tx: Tx, documentId: string): Promise<boolean> {
  const document = await tx
    .selectFrom('documents')
    .select('id')
    .where('id', '=', documentId)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
  return document !== undefined
}

/** Every epoch of a document that is still kept, the newest first. */
export function epochsOf(db: Database, documentId: string) {
  return db
    .selectFrom('shared_states')
    .select(['epoch', 'ended_at'])
    .where('document_id', '=', documentId)
    .orderBy('epoch', 'desc')
    .execute()
}

/** @returns the ended epoch, undefined when none was under way */
export async function endEpoch(tx: Tx, documentId: string, at: string): Promise<number | undefined> {
  const ended = await tx
    .updateTable('shared_states')
    .set({ ended_at: at })
    .where('document_id', '=', documentId)
    .where('ended_at', 'is', null)
    .returning('epoch')
    .executeTakeFirst()
  return ended?.epoch
}

/** Makes an epoch without updates the next one: nothing of it is worth a row. @returns the new one, undefined when there is none */
export async function skipEmptyEpoch(tx: Tx, documentId: string): Promise<number | undefined> {
  const skipped = await tx
    .updateTable('shared_states')
    .set((row) => ({ epoch: row('epoch', '+', 1) }))
    .where('document_id', '=', documentId)
    .where('ended_at', 'is', null)
    .where('last_seq', '=', 0)
    .returning('epoch')
    .executeTakeFirst()
  return skipped?.epoch
}

export async function beginEpoch(tx: Tx, { documentId, epoch }: Epoch): Promise<void> {
  await tx
    .insertInto('shared_states')
    .values({ document_id: documentId, epoch, ...EMPTY })
    // Another node may have been faster.
    .onConflict((conflict) => conflict.columns(['document_id', 'epoch']).doNothing())
    .execute()
}

export async function insertUpdates(tx: Tx, row: Insertable<Schema['updates']>): Promise<void> {
  await tx.insertInto('updates').values(row).execute()
}

/** Rows that hold an update after `seq`, in order. */
export function updatesAfter(db: Database, { documentId, epoch }: Epoch, seq: number): Promise<UpdatesRow[]> {
  return db
    .selectFrom('updates')
    .selectAll()
    .where('document_id', '=', documentId)
    .where('epoch', '=', epoch)
    .where('seq', '>', seq)
    .orderBy('seq')
    .execute()
}

export type NewSnapshot = Epoch & {
  /** Everything up to and including `seq`. */
  seq: number
  update: Uint8Array
  vector: Uint8Array
}

/** Puts a snapshot in place of the log up to it, unless a newer one is there or the epoch has ended. */
export async function replaceBySnapshot(tx: Tx, made: NewSnapshot): Promise<void> {
  const { numUpdatedRows } = await tx
    .updateTable('shared_states')
    .set((row) => ({
      snapshot: made.update,
      snapshot_vector: made.vector,
      snapshot_seq: made.seq,
      snapshot_bytes: made.update.byteLength,
      log_updates: row('last_seq', '-', made.seq),
      log_bytes: row
        .selectFrom('updates')
        .select(sql<number>`coalesce(sum(length(data)), 0)`.as('bytes'))
        .where('document_id', '=', made.documentId)
        .where('epoch', '=', made.epoch)
        .where('seq', '>', made.seq),
    }))
    .where('document_id', '=', made.documentId)
    .where('epoch', '=', made.epoch)
    .where('snapshot_seq', '<', made.seq)
    .where('ended_at', 'is', null)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return
  await tx
    .deleteFrom('updates')
    .where('document_id', '=', made.documentId)
    .where('epoch', '=', made.epoch)
    .where('seq', '<=', made.seq)
    .execute()
}

/** A row of the log as it is now. */
export function rereadUpdates(tx: Tx, row: UpdatesRow): Promise<UpdatesRow | undefined> {
  return tx
    .selectFrom('updates')
    .selectAll()
    .where('document_id', '=', row.document_id)
    .where('epoch', '=', row.epoch)
    .where('seq', '=', row.seq)
    .executeTakeFirst()
}

/** Other data for a row of the log, of as many updates. */
export async function rewriteUpdates(tx: Tx, row: UpdatesRow, data: Uint8Array): Promise<void> {
  await tx
    .updateTable('updates')
    .set({ data })
    .where('document_id', '=', row.document_id)
    .where('epoch', '=', row.epoch)
    .where('seq', '=', row.seq)
    .execute()
  await tx
    .updateTable('shared_states')
    .set((it) => ({ log_bytes: it('log_bytes', '-', row.data.byteLength - data.byteLength) }))
    .where('document_id', '=', row.document_id)
    .where('epoch', '=', row.epoch)
    .execute()
}

export async function insertQuarantined(
  tx: Tx,
  row: Insertable<Schema['quarantined_updates']>,
): Promise<void> {
  await tx.insertInto('quarantined_updates').values(row).execute()
}

/** @returns epochs that ended before, oldest first */
export function epochsEndedBefore(db: Database, before: string, most: number) {
  return db
    .selectFrom('shared_states')
    .select(['document_id', 'epoch'])
    .where('ended_at', '<', before)
    .orderBy('ended_at')
    .limit(most)
    .execute()
}

/** With all that was shared in it, quarantined updates too. */
export async function deleteEpoch(tx: Tx, { documentId, epoch }: Epoch): Promise<void> {
  for (const table of ['updates', 'quarantined_updates', 'shared_states'] as const) {
    await tx.deleteFrom(table).where('document_id', '=', documentId).where('epoch', '=', epoch).execute()
  }
}
