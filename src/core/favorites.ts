import { deleteFavorite, hasFavorite, insertFavorite } from '../metadata/favorites.ts'
import type { Deps } from './deps.ts'

type OfUser = { documentId: string; userId: string }

/** A user's star on a document. */
export async function setFavorite(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  { documentId, userId }: OfUser,
  isFavorite: boolean,
): Promise<void> {
  if (!isFavorite) return deleteFavorite(database, documentId, userId)
  await insertFavorite(database, { document_id: documentId, user_id: userId, at: clock().toISOString() })
}

export function isFavorite(
  { database }: Pick<Deps, 'database'>,
  { documentId, userId }: OfUser,
): Promise<boolean> {
  return hasFavorite(database, documentId, userId)
}
