import { randomBytes, randomUUIDv7, timingSafeEqual } from 'node:crypto'
import { Problem } from '../errors.ts'
import {
  apiKeyById,
  apiKeyByName,
  hasApiKeys,
  hasWorkspace,
  insertApiKey,
  insertWorkspace,
  listApiKeys,
  updateApiKey,
} from '../metadata/api-keys.ts'
import type { ApiKeyRow } from '../metadata/schema.ts'
import { type Action, type NewActivity, recordActivity } from './activity.ts'
import { authorOf, type Caller, type Permission } from './callers.ts'
import type { Deps } from './deps.ts'
import { hashSecret } from './hashed-secrets.ts'
import { afterSeconds } from './sessions.ts'

const NO_SECRET = hashSecret('no key has this secret')

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
  /** Sites that may frame its embeds; null or absent: any. */
  frameAncestors?: string[] | null | undefined
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
      secret_hash: hashSecret(made.secret),
      permissions: JSON.stringify(made.permissions),
      created_at: made.createdAt,
      expires_at: wanted.expiresAt ?? null,
      frame_ancestors: wanted.frameAncestors == null ? null : JSON.stringify(wanted.frameAncestors),
    })
    await recordActivity(tx, ofKey('api-key-created', { ...made, workspace_id: workspaceId }, made.createdAt))
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
  const given = Buffer.from(hashSecret(secret))
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
  frameAncestors: string[] | null
}

/** Newest first, revoked ones among them. */
export async function listApiKeyInfos({ database }: Pick<Deps, 'database'>): Promise<ApiKeyInfo[]> {
  return (await listApiKeys(database)).map(infoOf)
}

/** @throws Problem `api-key-not-found`, also for a revoked one */
export async function changeApiKey(
  { database }: Pick<Deps, 'database'>,
  id: string,
  { name, frameAncestors }: { name?: string | undefined; frameAncestors?: string[] | null | undefined },
): Promise<ApiKeyInfo> {
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(frameAncestors === undefined
      ? {}
      : { frame_ancestors: frameAncestors === null ? null : JSON.stringify(frameAncestors) }),
  }
  const isChange = Object.keys(change).length > 0
  return infoOf(found(isChange ? await updateApiKey(database, id, change) : await apiKeyById(database, id)))
}

/** Its tokens end within 10 s. @throws Problem `api-key-not-found`, also for a revoked one */
export async function revokeApiKey(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  id: string,
): Promise<ApiKeyInfo> {
  const now = clock().toISOString()
  return database.transaction().execute(async (tx) => {
    const row = found(await updateApiKey(tx, id, { revoked_at: now }))
    await recordActivity(tx, ofKey('api-key-revoked', row, now))
    return infoOf(row)
  })
}

/** A new secret, shown this once; the one before it goes on working for 24 h. @throws Problem `api-key-not-found` */
export async function rotateSecret(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  id: string,
): Promise<ApiKeyInfo & { secret: string; previousSecretUntil: string }> {
  const secret = newSecret()
  const now = clock()
  const previousSecretUntil = afterSeconds(now, OVERLAP_S)
  const row = await database.transaction().execute(async (tx) => {
    const current = found(await apiKeyById(tx, id))
    await recordActivity(tx, ofKey('api-key-rotated', current, now.toISOString()))
    const change = {
      secret_hash: hashSecret(secret),
      previous_secret_hash: current.secret_hash,
      previous_secret_until: previousSecretUntil,
    }
    return found(await updateApiKey(tx, id, change))
  })
  return { ...infoOf(row), secret, previousSecretUntil }
}

function found(row: ApiKeyRow | undefined): ApiKeyRow {
  if (row === undefined) throw new Problem('api-key-not-found')
  return row
}

function ofKey(
  action: Action,
  { id, name, workspace_id: workspaceId }: Pick<ApiKeyRow, 'id' | 'name' | 'workspace_id'>,
  at: string,
): NewActivity {
  const actor = authorOf({ kind: 'administrator' })
  return { workspaceId, documentId: null, actor, action, at, detail: { apiKeyId: id, name } }
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
    frameAncestors: row.frame_ancestors === null ? null : JSON.parse(row.frame_ancestors),
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

/** Sites that may frame what this client embeds; undefined: any. */
export async function frameAncestorsOf(
  { database }: Pick<Deps, 'database'>,
  clientId: string,
): Promise<string[] | undefined> {
  const row = await apiKeyById(database, clientId)
  return row?.frame_ancestors ? JSON.parse(row.frame_ancestors) : undefined
}
