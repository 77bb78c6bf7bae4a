import type { Insertable, Selectable } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type RequestKeyRow = Selectable<Schema['request_keys']>
type Name = { callerId: string; key: string }

export function findRequestKey(tx: Tx, { callerId, key }: Name): Promise<RequestKeyRow | undefined> {
  return tx
    .selectFrom('request_keys')
    .selectAll()
    .where('caller_id', '=', callerId)
    .where('key', '=', key)
    .executeTakeFirst()
}

export async function insertRequestKey(tx: Tx, row: Insertable<Schema['request_keys']>): Promise<void> {
  await tx.insertInto('request_keys').values(row).execute()
}

export async function noteAnswer(
  db: Database,
  { callerId, key, status, answer }: Name & { status: number; answer: string },
): Promise<void> {
  await db
    .updateTable('request_keys')
    .set({ status, answer })
    .where('caller_id', '=', callerId)
    .where('key', '=', key)
    .execute()
}

export async function deleteRequestKey(db: Database | Tx, { callerId, key }: Name): Promise<void> {
  await db.deleteFrom('request_keys').where('caller_id', '=', callerId).where('key', '=', key).execute()
}

export async function pruneRequestKeys(db: Database, before: string): Promise<void> {
  await db.deleteFrom('request_keys').where('created_at', '<', before).execute()
}
