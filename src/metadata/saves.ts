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

export function saveById(db: Database | Tx, id: string): Promise<SaveRow | undefined> {
  return db.selectFrom('saves').selectAll().where('id', '=', id).executeTakeFirst()
}

/** A stored save of the same key, status, `lastsave` and bytes. */
export async function hasEqualSave(
  db: Database | Tx,
  { key, status, lastsave, sha256 }: { key: string; status: number; lastsave: string | null; sha256: string },
): Promise<boolean> {
  const row = await db
    .selectFrom('saves')
    .select('id')
    .where('key', '=', key)
    .where('status', '=', status)
    .where('lastsave', lastsave === null ? 'is' : '=', lastsave)
    .where('sha256', '=', sha256)
    .where('state', '=', 'stored')
    .executeTakeFirst()
  return row !== undefined
}

/** A final save of the key is on its way: Document Server refuses the key until it has our answer. */
export async function isFinalSaveInFlight(db: Database | Tx, key: string): Promise<boolean> {
  const row = await db
    .selectFrom('saves')
    .select('id')
    .where('key', '=', key)
    .where('status', '=', 2)
    .where('state', '=', 'receiving')
    .executeTakeFirst()
  return row !== undefined
}

/** Earlier failures of the key are no longer edits at risk: a later save holds them. */
export async function resolveFailures(tx: Tx, key: string): Promise<void> {
  await tx
    .updateTable('saves')
    .set({ state: 'resolved' })
    .where('key', '=', key)
    .where('state', '=', 'failed')
    .execute()
}

/** What a stopped process of this node left in flight has failed. @returns how many */
export async function failInterrupted(db: Database, node: string, now: string): Promise<number> {
  const rows = await db
    .updateTable('saves')
    .set({ state: 'failed', error: 'interrupted', finished_at: now })
    .where('state', '=', 'receiving')
    .where('node', '=', node)
    .returning('id')
    .execute()
  return rows.length
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

export async function isBlobMentioned(db: Database, sha256: string): Promise<boolean> {
  const mentions = await Promise.all([
    db.selectFrom('saves').select('id').where('sha256', '=', sha256).executeTakeFirst(),
    db.selectFrom('versions').select('id').where('sha256', '=', sha256).executeTakeFirst(),
    db.selectFrom('versions').select('id').where('changes_sha256', '=', sha256).executeTakeFirst(),
  ])
  return mentions.some((mention) => mention !== undefined)
}
