import type { Database } from './schema.ts'

export async function insertRevokedEmbed(db: Database, id: string, expiresAt: string): Promise<void> {
  await db
    .insertInto('revoked_embeds')
    .values({ id, expires_at: expiresAt })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function isEmbedRevoked(db: Database, id: string): Promise<boolean> {
  const row = await db.selectFrom('revoked_embeds').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}

export async function pruneRevokedEmbeds(db: Database, before: string): Promise<void> {
  await db.deleteFrom('revoked_embeds').where('expires_at', '<', before).execute()
}
