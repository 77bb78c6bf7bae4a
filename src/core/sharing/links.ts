import { randomUUIDv7 } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { endLink, insertLink, type LinkRow, linkById, linksOf } from '../../metadata/links.ts'
import { recordActivity } from '../activity.ts'
import { authorOf, type Caller, demand } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { documentFor } from '../documents.ts'
import { type Grant, grantsOf, narrowed } from './grants.ts'
import type { SharedUser, SharingOptions } from './options.ts'

export type NewLink = {
  documentId: string
  grants: Grant[]
  /** Whom it lets in; absent: guests, who choose a name. */
  user?: SharedUser | undefined
  options: SharingOptions
  /** ISO 8601, UTC. */
  expiresAt?: string | undefined
}

export type Link = {
  id: string
  documentId: string
  grants: Grant[]
  user: SharedUser | null
  options: SharingOptions
  madeBy: string
  createdAt: string
  expiresAt: string | null
  revokedAt: string | null
}

/**
 * An address that lets somebody in to one document; never wider than what its maker may.
 *
 * @throws Problem `document-not-found`, `permission-missing`
 */
export async function createLink(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  { documentId, grants, user, options, expiresAt }: NewLink,
): Promise<Link> {
  demand(caller, 'documents:write')
  const document = await documentFor(deps, caller, documentId)
  const now = deps.clock().toISOString()
  const row = await deps.database.transaction().execute(async (tx) => {
    const made = await insertLink(tx, {
      id: randomUUIDv7(),
      document_id: document.id,
      api_key_id: caller.kind === 'client' ? caller.id : null,
      made_by: authorOf(caller).name,
      grants: JSON.stringify([...narrowed(['view', ...grants], grantsOf(caller))]),
      user: user === undefined ? null : JSON.stringify(user),
      options: JSON.stringify(options),
      created_at: now,
      expires_at: expiresAt ?? null,
    })
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId: document.id,
      actor: authorOf(caller),
      action: 'link-created',
      at: now,
      detail: { linkId: made.id, grants: JSON.parse(made.grants), isForGuests: user === undefined },
    })
    return made
  })
  return linkOf(row)
}

/** Newest first. @throws Problem `document-not-found`, `permission-missing` */
export async function listLinks(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
): Promise<Link[]> {
  demand(caller, 'documents:write')
  const { id } = await documentFor(deps, caller, documentId)
  return (await linksOf(deps.database, id)).map(linkOf)
}

/** @throws Problem `link-not-found`, `document-not-found`, `permission-missing` */
export async function revokeLink(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  { documentId, linkId }: { documentId: string; linkId: string },
): Promise<void> {
  demand(caller, 'documents:write')
  const document = await documentFor(deps, caller, documentId)
  const now = deps.clock().toISOString()
  await deps.database.transaction().execute(async (tx) => {
    const ended = await endLink(tx, { id: linkId, documentId: document.id, now })
    if (ended === undefined) throw new Problem('link-not-found')
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId: document.id,
      actor: authorOf(caller),
      action: 'link-revoked',
      at: now,
      detail: { linkId },
    })
  })
}

/** A link that still works. @throws Problem `token-invalid` */
export async function workingLink(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  id: string,
): Promise<Link & { apiKeyId: string | null }> {
  const row = await linkById(database, id)
  if (row === undefined || !isWorking(row, clock().toISOString())) {
    throw new Problem('token-invalid', 'this link has ended')
  }
  return { ...linkOf(row), apiKeyId: row.api_key_id }
}

export function isWorking({ revoked_at, expires_at }: LinkRow, now: string): boolean {
  return revoked_at === null && (expires_at === null || expires_at > now)
}

function linkOf(row: LinkRow): Link {
  return {
    id: row.id,
    documentId: row.document_id,
    grants: JSON.parse(row.grants),
    user: row.user === null ? null : JSON.parse(row.user),
    options: JSON.parse(row.options),
    madeBy: row.made_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}
