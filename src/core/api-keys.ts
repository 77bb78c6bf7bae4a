import { createHash, randomBytes, randomUUIDv7, timingSafeEqual } from 'node:crypto'
import { Problem } from '../errors.ts'
import {
  apiKeyById,
  apiKeyByName,
  hasApiKeys,
  hasWorkspace,
  insertApiKey,
  insertSignInLink,
  insertWorkspace,
  redeemLink,
} from '../metadata/api-keys.ts'
import type { ApiKeyRow } from '../metadata/schema.ts'
import type { Caller, Permission } from './callers.ts'
import type { Deps } from './deps.ts'
import { afterSeconds } from './sessions.ts'

const SIGN_IN_LINK_S = 600
const NO_SECRET = hash('no key has this secret')

export type NewApiKey = { name: string; permissions: Permission[]; workspaceId?: string | undefined }

/** `secret` is shown this once; only its hash is kept. */
export type MadeApiKey = {
  id: string
  name: string
  apiKey: string
  secret: string
  permissions: Permission[]
  workspaceId: string
  createdAt: string
}

/**
 * Makes an API key, in a workspace of its own unless one is named.
 *
 * @param onlyAsFirst makes it only while there is no key at all; of two at once, one wins
 * @throws Problem `workspace-not-found`; `token-missing` when there is a key already
 */
export async function createApiKey(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  wanted: NewApiKey,
  { onlyAsFirst = false } = {},
): Promise<MadeApiKey> {
  const made = {
    id: randomUUIDv7(),
    name: wanted.name,
    apiKey: `nuto_ak_${randomBytes(18).toString('base64url')}`,
    secret: `nuto_sk_${randomBytes(32).toString('base64url')}`,
    permissions: wanted.permissions,
    createdAt: clock().toISOString(),
  }
  const workspaceId = wanted.workspaceId ?? randomUUIDv7()
  await database.transaction().execute(async (tx) => {
    if (onlyAsFirst && (await hasApiKeys(tx)))
      throw new Problem('token-missing', 'there is a key already: only the administrator makes more')
    if (wanted.workspaceId === undefined) {
      await insertWorkspace(tx, { id: workspaceId, name: wanted.name, created_at: made.createdAt })
    } else if (!(await hasWorkspace(tx, workspaceId))) {
      throw new Problem('workspace-not-found')
    }
    await insertApiKey(tx, {
      id: made.id,
      workspace_id: workspaceId,
      name: made.name,
      api_key: made.apiKey,
      secret_hash: hash(made.secret),
      permissions: JSON.stringify(made.permissions),
      created_at: made.createdAt,
    })
  })
  return { ...made, workspaceId }
}

/** @throws Problem `credentials-invalid`, after the same work for an unknown key and a wrong secret */
export async function checkCredentials(
  { database }: Pick<Deps, 'database'>,
  { apiKey, secret }: { apiKey: string; secret: string },
): Promise<Caller & { kind: 'client' }> {
  const row = await apiKeyByName(database, apiKey)
  const isRight = timingSafeEqual(Buffer.from(hash(secret)), Buffer.from(row?.secret_hash ?? NO_SECRET))
  if (row === undefined || !isRight || row.revoked_at !== null) throw new Problem('credentials-invalid')
  return clientOf(row)
}

/** The client that a token names, as it stands now. @throws Problem `token-invalid` when it was revoked */
export async function clientById(
  { database }: Pick<Deps, 'database'>,
  id: string,
): Promise<Caller & { kind: 'client' }> {
  const row = await apiKeyById(database, id)
  if (row === undefined || row.revoked_at !== null)
    throw new Problem('token-invalid', 'the API key was revoked')
  return clientOf(row)
}

function clientOf(row: ApiKeyRow): Caller & { kind: 'client' } {
  return {
    kind: 'client',
    id: row.id,
    name: row.name,
    workspaceId: row.workspace_id,
    permissions: JSON.parse(row.permissions),
  }
}

/** @returns the secret of a link that signs the administrator in once, within 10 minutes */
export async function createSignInLink({
  database,
  clock,
}: Pick<Deps, 'database' | 'clock'>): Promise<string> {
  const token = randomBytes(24).toString('base64url')
  await insertSignInLink(database, hash(token), afterSeconds(clock(), SIGN_IN_LINK_S))
  return token
}

/** @throws Problem `token-invalid` when the link was used or is too old */
export async function redeemSignInLink(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  token: string,
): Promise<void> {
  if (!(await redeemLink(database, hash(token), clock().toISOString()))) {
    throw new Problem('token-invalid', 'this link was used already or is older than 10 minutes')
  }
}

/** In constant time. */
export function equalSecrets(given: string, expected: string): boolean {
  return timingSafeEqual(Buffer.from(hash(given)), Buffer.from(hash(expected)))
}

/** A fast hash is right here: what it hides has 192 random bits and more. */
function hash(secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
