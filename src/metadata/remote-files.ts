import type { Insertable, Updateable } from 'kysely'
import type { Database, RemoteFileRow, RemoteState, Schema, Tx, VersionRow } from './schema.ts'

export function insertRemoteFile(tx: Tx, row: Insertable<Schema['remote_files']>): Promise<RemoteFileRow> {
  return tx.insertInto('remote_files').values(row).returningAll().executeTakeFirstOrThrow()
}

/** What an API key calls by this name. */
export function remoteFileOfKey(
  db: Database | Tx,
  { apiKeyId, name }: { apiKeyId: string; name: string },
): Promise<RemoteFileRow | undefined> {
  return db
    .selectFrom('remote_files')
    .selectAll()
    .where('api_key_id', '=', apiKeyId)
    .where('name_key', '=', name)
    .executeTakeFirst()
}

/** @param apiKeyId undefined: whatever key's it is */
export function findRemoteFile(
  db: Database | Tx,
  documentId: string,
  apiKeyId?: string,
): Promise<RemoteFileRow | undefined> {
  let query = db.selectFrom('remote_files').selectAll().where('document_id', '=', documentId)
  if (apiKeyId !== undefined) query = query.where('api_key_id', '=', apiKeyId)
  return query.executeTakeFirst()
}

/** Newest change first. */
export function listRemoteFiles(
  db: Database,
  {
    apiKeyId,
    state,
    skip,
    take,
  }: { apiKeyId: string | undefined; state: RemoteState | undefined; skip: number; take: number },
): Promise<RemoteFileRow[]> {
  let query = db.selectFrom('remote_files').selectAll()
  if (apiKeyId !== undefined) query = query.where('api_key_id', '=', apiKeyId)
  if (state !== undefined) query = query.where('state', '=', state)
  return query.orderBy('updated_at', 'desc').orderBy('document_id', 'desc').limit(take).offset(skip).execute()
}

export function updateRemoteFile(
  db: Database | Tx,
  documentId: string,
  change: Updateable<Schema['remote_files']>,
): Promise<RemoteFileRow> {
  return db
    .updateTable('remote_files')
    .set(change)
    .where('document_id', '=', documentId)
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** A new head of ours is to be delivered; an attempt that waits already is not put off. */
export async function noteUndelivered(tx: Tx, version: VersionRow, now: string): Promise<void> {
  await tx
    .updateTable('remote_files')
    .set((row) => ({
      state: 'waiting' as const,
      attempts: row.case().when('next_attempt_at', 'is', null).then(0).else(row.ref('attempts')).end(),
      // Newer bytes have a week of their own.
      waiting_since: now,
      next_attempt_at: row.fn.coalesce('next_attempt_at', row.val(now)),
      updated_at: now,
    }))
    .where('document_id', '=', version.document_id)
    .where('write_url', 'is not', null)
    .where('sha256', '<>', version.sha256)
    .execute()
}

/** The longest due first. @param busy API keys whose turn it is not */
export function dueRemoteFiles(
  db: Database,
  { now, busy, most }: { now: string; busy: readonly string[]; most: number },
): Promise<RemoteFileRow[]> {
  return db
    .selectFrom('remote_files')
    .selectAll()
    .where('next_attempt_at', '<=', now)
    .where((row) => row.or([row('claimed_until', 'is', null), row('claimed_until', '<=', now)]))
    .where('api_key_id', 'not in', ['', ...busy])
    .orderBy('next_attempt_at')
    .limit(most)
    .execute()
}

/** Of two processes that want the same one, one gets it; it is the other's again after `until`. */
export function claimRemoteFile(
  db: Database,
  documentId: string,
  { now, until }: { now: string; until: string },
): Promise<RemoteFileRow | undefined> {
  return db
    .updateTable('remote_files')
    .set((row) => ({ attempts: row('attempts', '+', 1), next_attempt_at: until, claimed_until: until }))
    .where('document_id', '=', documentId)
    .where('next_attempt_at', '<=', now)
    .where((row) => row.or([row('claimed_until', 'is', null), row('claimed_until', '<=', now)]))
    .returningAll()
    .executeTakeFirst()
}

/** Notes how far the attempt of a claimed row got. @returns false when somebody else has claimed it since */
export async function updateClaimed(
  db: Database | Tx,
  { document_id, claimed_until }: RemoteFileRow,
  change: Updateable<Schema['remote_files']>,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('remote_files')
    .set(change)
    .where('document_id', '=', document_id)
    .where('claimed_until', '=', claimed_until)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

export async function deleteRemoteFile(tx: Tx, documentId: string): Promise<void> {
  await tx.deleteFrom('remote_files').where('document_id', '=', documentId).execute()
}
