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
  listApiKeys,
  redeemLink,
  updateApiKey,
} from '../metadata/api-keys.ts'
import type { ApiKeyRow } from '../metadata/schema.ts'
import type { Caller, Permission } from './callers.ts'
import type { Deps } from './deps.ts'
import { afterSeconds } from './sessions.ts'

const SIGN_IN_LINK_S = 600
const NO_SECRET = hash('no key has this secret')

/** The secret before a rotation goes on working for this long. */
const OVERLAP_S = 24 * 3600
/** The last use of a key is noted at most this often: each note is a durable write. */
const NOTE_USE_EVERY_MS = 60_000

export type NewApiKey = {
  name: string
  permissions: Permission[]
  workspaceId?: string | undefined
  /** ISO 8601, UTC. */
  expiresAt?: string | undefined
}

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
    secret: newSecret(),
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
      expires_at: wanted.expiresAt ?? null,
    })
  })
  return { ...made, workspaceId }
}

/** @throws Problem `credentials-invalid`, after the same work for an unknown key and a wrong secret */
export async function checkCredentials(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  { apiKey, secret }: { apiKey: string; secret: string },
): Promise<Caller & { kind: 'client' }> {
  const row = await apiKeyByName(database, apiKey)
  const now = clock().toISOString()
  const given = Buffer.from(hash(secret))
  const isCurrent = timingSafeEqual(given, Buffer.from(row?.secret_hash ?? NO_SECRET))
  const isPrevious =
    timingSafeEqual(given, Buffer.from(row?.previous_secret_hash ?? NO_SECRET)) &&
    (row?.previous_secret_until ?? '') > now
  if (row === undefined || !(isCurrent || isPrevious) || !isUsable(row, now)) {
    throw new Problem('credentials-invalid')
  }
  const usedAt = row.last_used_at === null ? 0 : Date.parse(row.last_used_at)
  if (Date.parse(now) - usedAt > NOTE_USE_EVERY_MS)
    await updateApiKey(database, row.id, { last_used_at: now })
  return clientOf(row)
}

function isUsable(row: ApiKeyRow, now: string): boolean {
  return row.revoked_at === null && (row.expires_at === null || row.expires_at > now)
}

/** What may be shown of a key: never its secret. */
export type ApiKeyInfo = {
  id: string
  name: string
  apiKey: string
  permissions: Permission[]
  workspaceId: string
  createdAt: string
  expiresAt: string | null
  lastUsedAt: string | null
  revokedAt: string | null
}

/** Newest first, revoked ones among them. */
export async function listApiKeyInfos({ database }: Pick<Deps, 'database'>): Promise<ApiKeyInfo[]> {
  return (await listApiKeys(database)).map(infoOf)
}

/** @throws Problem `api-key-not-found`, also for a revoked one */
export async function renameApiKey(
  { database }: Pick<Deps, 'database'>,
  id: string,
  name: string,
): Promise<ApiKeyInfo> {
  return infoOf(await changed(updateApiKey(database, id, { name })))
}

/** Its tokens end within 10 s. @throws Problem `api-key-not-found`, also for a revoked one */
export async function revokeApiKey(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  id: string,
): Promise<ApiKeyInfo> {
  return infoOf(await changed(updateApiKey(database, id, { revoked_at: clock().toISOString() })))
}

/** A new secret, shown this once; the one before it goes on working for 24 h. @throws Problem `api-key-not-found` */
export async function rotateSecret(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  id: string,
): Promise<ApiKeyInfo & { secret: string; previousSecretUntil: string }> {
  const secret = newSecret()
  const previousSecretUntil = afterSeconds(clock(), OVERLAP_S)
  const current = await changed(apiKeyById(database, id))
  const row = await changed(
    updateApiKey(database, id, {
      secret_hash: hash(secret),
      previous_secret_hash: current.secret_hash,
      previous_secret_until: previousSecretUntil,
    }),
  )
  return { ...infoOf(row), secret, previousSecretUntil }
}

async function changed(row: Promise<ApiKeyRow | undefined>): Promise<ApiKeyRow> {
  const found = await row
  if (found === undefined) throw new Problem('api-key-not-found')
  return found
}

function newSecret(): string {
  return `nuto_sk_${randomBytes(32).toString('base64url')}`
}

function infoOf(row: ApiKeyRow): ApiKeyInfo {
  return {
    id: row.id,
    name: row.name,
    apiKey: row.api_key,
    permissions: JSON.parse(row.permissions),
    workspaceId: row.workspace_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  }
}

/** The client that a token names, as it stands now. @throws Problem `token-invalid` when it was revoked */
export async function clientById(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  id: string,
): Promise<Caller & { kind: 'client' }> {
  const row = await apiKeyById(database, id)
  if (row === undefined || !isUsable(row, clock().toISOString())) {
    throw new Problem('token-invalid', 'the API key was revoked or has expired')
  }
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
