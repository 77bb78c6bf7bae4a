import type { Insertable, Updateable } from 'kysely'
import type { ApiKeyRow, Database, Schema, Tx } from './schema.ts'

export function apiKeyByName(db: Database, apiKey: string): Promise<ApiKeyRow | undefined> {
  return db.selectFrom('api_keys').selectAll().where('api_key', '=', apiKey).executeTakeFirst()
}

export function apiKeyById(db: Database | Tx, id: string): Promise<ApiKeyRow | undefined> {
  return db.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
}

export async function hasApiKeys(db: Database | Tx): Promise<boolean> {
  return (await db.selectFrom('api_keys').select('id').limit(1).executeTakeFirst()) !== undefined
}

export async function insertApiKey(tx: Tx, row: Insertable<Schema['api_keys']>): Promise<void> {
  await tx.insertInto('api_keys').values(row).execute()
}

/** Newest first. */
export function listApiKeys(db: Database): Promise<ApiKeyRow[]> {
  return db.selectFrom('api_keys').selectAll().orderBy('created_at', 'desc').orderBy('id', 'desc').execute()
}

/** @returns the changed key, undefined when there is none that still works */
export function updateApiKey(
  db: Database | Tx,
  id: string,
  change: Updateable<Schema['api_keys']>,
): Promise<ApiKeyRow | undefined> {
  return db
    .updateTable('api_keys')
    .set(change)
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returningAll()
    .executeTakeFirst()
}

export async function hasWorkspace(db: Database | Tx, id: string): Promise<boolean> {
  return (
    (await db.selectFrom('workspaces').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
  )
}

export async function insertWorkspace(tx: Tx, row: Insertable<Schema['workspaces']>): Promise<void> {
  await tx.insertInto('workspaces').values(row).execute()
}

export async function insertSignInLink(db: Database, tokenHash: string, expiresAt: string): Promise<void> {
  await db.insertInto('sign_in_links').values({ token_hash: tokenHash, expires_at: expiresAt }).execute()
}

/** A link works once. @returns whether it was still good */
export async function redeemLink(db: Database, tokenHash: string, now: string): Promise<boolean> {
  const used = await db
    .deleteFrom('sign_in_links')
    .where('token_hash', '=', tokenHash)
    .returning('expires_at')
    .executeTakeFirst()
  await db.deleteFrom('sign_in_links').where('expires_at', '<', now).execute()
  return used !== undefined && used.expires_at > now
}
