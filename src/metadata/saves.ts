import type { Insertable, Updateable } from 'kysely'
import type { Database, SaveRow, Schema, Tx } from './schema.ts'

export async function insertSave(db: Database | Tx, row: Insertable<Schema['saves']>): Promise<void> {
  await db.insertInto('saves').values(row).execute()
}

export async function updateSave(
  db: Database | Tx,
  id: string,
  change: Updateable<Schema['saves']>,
): Promise<void> {
  await db.updateTable('saves').set(change).where('id', '=', id).execute()
}

/** Ends a save that is still in flight; one that was stored after all stays stored. @returns whether it was ended */
export async function failSave(
  db: Database | Tx,
  id: string,
  error: string,
  finishedAt: string,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('saves')
    .set({ state: 'failed', error, finished_at: finishedAt })
    .where('id', '=', id)
    .where('state', '=', 'receiving')
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export function saveById(db: Database | Tx, id: string): Promise<SaveRow | undefined> {
  return db.selectFrom('saves').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function deleteSave(db: Database, id: string): Promise<void> {
  await db.deleteFrom('saves').where('id', '=', id).where('state', '=', 'receiving').execute()
}

/** A stored save of the same key, status, `lastsave` and bytes. Without a `lastsave` nothing tells a replay from an undo. */
export async function hasEqualSave(
  db: Database | Tx,
  { key, status, lastsave, sha256 }: { key: string; status: number; lastsave: string | null; sha256: string },
): Promise<boolean> {
  if (lastsave === null) return false
  const row = await db
    .selectFrom('saves')
    .select('id')
    .where('key', '=', key)
    .where('status', '=', status)
    .where('lastsave', '=', lastsave)
    .where('sha256', '=', sha256)
    .where('state', '=', 'stored')
    .executeTakeFirst()
  return row !== undefined
}

/** A final save of the key is on its way: Document Server refuses the key until it has our answer. */
export function isFinalSaveInFlight(db: Database | Tx, key: string): Promise<boolean> {
  return isInFlight(db, key, [2])
}

/** A save of the key is on its way, of whatever kind. */
export function isSaveInFlight(db: Database | Tx, key: string): Promise<boolean> {
  return isInFlight(db, key, [2, 6])
}

async function isInFlight(db: Database | Tx, key: string, statuses: number[]): Promise<boolean> {
  const row = await db
    .selectFrom('saves')
    .select('id')
    .where('key', '=', key)
    .where('status', 'in', statuses)
    .where('state', '=', 'receiving')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * Earlier failures of the key are no longer edits at risk: a later save holds them. So are earlier
 * saves that still count as in flight: those of one key run in the order of their ids.
 */
export async function resolveFailures(tx: Tx, key: string, saveId: string): Promise<void> {
  await tx
    .updateTable('saves')
    .set({ state: 'resolved' })
    .where('key', '=', key)
    .where((row) =>
      row.or([
        row('state', '=', 'failed'),
        row.and([
          row('state', '=', 'receiving'),
          row('id', '<', saveId),
          // Ids are in the order of one node's clock.
          row(
            'node',
            '=',
            row.selectFrom('saves as stored').select('stored.node').where('stored.id', '=', saveId),
          ),
        ]),
      ]),
    )
    .execute()
}

/** The stored save of the key that carries this mark. */
export async function storedSaveWith(
  db: Database,
  { key, userdata }: { key: string; userdata: string },
): Promise<{ saveId: string; status: number; userdata: string; versionId: string | null } | undefined> {
  const row = await db
    .selectFrom('saves')
    .select(['id as saveId', 'status', 'version_id as versionId'])
    .where('key', '=', key)
    .where('userdata', '=', userdata)
    .where('state', '=', 'stored')
    .executeTakeFirst()
  return row && { ...row, userdata }
}

/** Whether bytes of the key were stored already, as whatever. */
export async function hasStoredBytes(db: Database, key: string, sha256: string): Promise<boolean> {
  const row = await db
    .selectFrom('saves')
    .select('id')
    .where('key', '=', key)
    .where('sha256', '=', sha256)
    .where('state', '=', 'stored')
    .executeTakeFirst()
  return row !== undefined
}

/**
 * What a stopped process left in flight has failed.
 *
 * @param node whose saves; undefined: all
 * @returns how many
 */
export async function failInterrupted(db: Database, now: string, node?: string): Promise<number> {
  let left = db
    .updateTable('saves')
    .set({ state: 'failed', error: 'interrupted', finished_at: now })
    .where('state', '=', 'receiving')
  if (node !== undefined) left = left.where('node', '=', node)
  return (await left.returning('id').execute()).length
}

/** Failed saves whose edits no stored save holds yet, oldest first. */
export function savesAtRisk(db: Database, most: number): Promise<SaveRow[]> {
  return db
    .selectFrom('saves')
    .selectAll()
    .where('state', '=', 'failed')
    .orderBy('received_at')
    .limit(most)
    .execute()
}

export async function countSavesAtRisk(db: Database): Promise<{ count: number; oldest: string | null }> {
  const row = await db
    .selectFrom('saves')
    .select((it) => [it.fn.countAll<number>().as('count'), it.fn.min('received_at').as('oldest')])
    .where('state', '=', 'failed')
    .executeTakeFirstOrThrow()
  return { count: Number(row.count), oldest: row.oldest }
}

/**
 * Forgets saves whose bytes moved on, so that the sweeper may have them: those that moved a draft
 * before `draftsBefore`, all others before `othersBefore`. @returns how many
 */
export async function pruneSaves(
  db: Database,
  { draftsBefore, othersBefore }: { draftsBefore: string; othersBefore: string },
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('saves')
    .where('state', 'in', ['stored', 'resolved'])
    .where((row) =>
      row.or([
        row('finished_at', '<', othersBefore),
        row.and([row('outcome', '=', 'draft'), row('finished_at', '<', draftsBefore)]),
      ]),
    )
    .where('id', 'not in', (latest) =>
      latest
        .selectFrom('sessions')
        .select('latest_save_id')
        .where('latest_save_id', 'is not', null)
        .$castTo<{ latest_save_id: string }>(),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}
