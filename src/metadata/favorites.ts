import type { Database } from './schema.ts'

export async function insertFavorite(
  db: Database,
  favorite: { document_id: string; user_id: string; at: string },
): Promise<void> {
  await db
    .insertInto('favorites')
    .values(favorite)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function deleteFavorite(db: Database, documentId: string, userId: string): Promise<void> {
  await db
    .deleteFrom('favorites')
    .where('document_id', '=', documentId)
    .where('user_id', '=', userId)
    .execute()
}

export async function hasFavorite(db: Database, documentId: string, userId: string): Promise<boolean> {
  const row = await db
    .selectFrom('favorites')
    .select('at')
    .where('document_id', '=', documentId)
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return row !== undefined
}
