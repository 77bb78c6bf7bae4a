import { randomBytes } from 'node:crypto'
import { Problem } from '../errors.ts'
import { insertSignInLink, redeemLink } from '../metadata/api-keys.ts'
import type { Deps } from './deps.ts'
import { hashSecret } from './hashed-secrets.ts'
import { afterSeconds } from './sessions.ts'

const SIGN_IN_LINK_S = 600

/** @returns the secret of a link that signs the administrator in once, within 10 minutes */
export async function createSignInLink({
  database,
  clock,
}: Pick<Deps, 'database' | 'clock'>): Promise<string> {
  const token = randomBytes(24).toString('base64url')
  await insertSignInLink(database, hashSecret(token), afterSeconds(clock(), SIGN_IN_LINK_S))
  return token
}

/** @throws Problem `token-invalid` when the link was used or is too old */
export async function redeemSignInLink(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  token: string,
): Promise<void> {
  if (!(await redeemLink(database, hashSecret(token), clock().toISOString()))) {
    throw new Problem('token-invalid', 'this link was used already or is older than 10 minutes')
  }
}
