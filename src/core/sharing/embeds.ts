import { Problem } from '../../errors.ts'
import { insertRevokedEmbed, isEmbedRevoked, pruneRevokedEmbeds } from '../../metadata/embeds.ts'
import type { Caller } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { afterSeconds } from '../sessions.ts'
import type { TokenClaims } from '../tokens.ts'

/** Longest life of an embed. */
const LONGEST_S = 86_400

/**
 * Ends one embed. Open pages end at their next refresh.
 *
 * @param claims of its token; undefined for one that is not good any more
 * @throws Problem `embed-not-found`, also for another client's
 */
export async function revokeEmbed(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  claims: TokenClaims<'embed'> | undefined,
): Promise<void> {
  const isOwn = caller.kind === 'administrator' || claims?.clientId === caller.id
  if (claims?.id === undefined || !isOwn) throw new Problem('embed-not-found')
  await insertRevokedEmbed(database, claims.id, afterSeconds(clock(), LONGEST_S))
}

/** @param id of an embed; undefined: of none. @throws Problem `token-invalid` */
export async function demandNotRevoked(
  { database }: Pick<Deps, 'database'>,
  id: string | undefined,
): Promise<void> {
  if (id !== undefined && (await isEmbedRevoked(database, id))) throw new Problem('token-invalid')
}

/** Forgets those whose tokens have ended by themselves. */
export async function pruneEmbeds({ database, clock }: Pick<Deps, 'database' | 'clock'>): Promise<void> {
  await pruneRevokedEmbeds(database, clock().toISOString())
}
