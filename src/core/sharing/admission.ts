import { Problem } from '../../errors.ts'
import { clientById } from '../api-keys.ts'
import { authorOf, type Caller } from '../callers.ts'
import type { Deps } from '../deps.ts'
import type { TokenClaims } from '../tokens.ts'
import { demandNotRevoked } from './embeds.ts'
import { type Grants, grantsOf, grantsOfEmbed, narrowed } from './grants.ts'
import { workingLink } from './links.ts'
import type { SharedUser, SharingOptions } from './options.ts'

/** How somebody was let in to a document: by whom, as whom, and what for. */
export type Admission = {
  /** Whose right it is, acting for the user. */
  caller: Caller
  user: SharedUser
  grants: Grants
  /** May pick other documents of the workspace, too. */
  seesWorkspace: boolean
  /** Came by a link and chose a name. */
  isGuest: boolean
  embedId?: string | undefined
  linkId?: string | undefined
  /** When it ends by itself. ISO 8601, UTC. */
  expiresAt?: string | undefined
  options: SharingOptions
}

type AdmissionDeps = Pick<Deps, 'database' | 'clock'>

/** A client of the API, or the administrator; a client's own user if it names one. */
export function admissionOfCaller(caller: Caller, user: SharedUser = authorOf(caller)): Admission {
  return {
    caller: { ...caller, actsFor: user },
    user,
    grants: grantsOf(caller),
    seesWorkspace: true,
    isGuest: false,
    options: {},
  }
}

/** @throws Problem `token-invalid` when the embed or its key was revoked */
export async function admissionOfEmbed(
  deps: AdmissionDeps,
  { id, clientId, expiresAt, permissions, user: given, options = {} }: TokenClaims<'embed'>,
): Promise<Admission> {
  await demandNotRevoked(deps, id)
  const caller = await makerOf(deps, clientId)
  const user = given ?? authorOf(caller)
  return {
    caller: { ...caller, actsFor: user },
    user,
    grants: narrowed(grantsOfEmbed(permissions), grantsOf(caller)),
    seesWorkspace: false,
    isGuest: false,
    embedId: id,
    expiresAt,
    options,
  }
}

/**
 * @param guest who came by it; a link that names its user has none
 * @throws Problem `token-invalid` when the link or its maker's key has ended
 */
export async function admissionOfLink(
  deps: AdmissionDeps,
  linkId: string,
  guest: SharedUser | undefined,
): Promise<Admission & { documentId: string }> {
  const link = await workingLink(deps, linkId)
  const caller = await makerOf(deps, link.apiKeyId ?? undefined)
  const user = link.user ?? guest
  if (user === undefined) throw new TypeError('a link without a user needs a guest')
  return {
    caller: { ...caller, actsFor: user },
    user,
    grants: narrowed(link.grants, grantsOf(caller)),
    seesWorkspace: false,
    isGuest: link.user === null,
    linkId,
    options: link.options,
    documentId: link.documentId,
    ...(link.expiresAt === null ? {} : { expiresAt: link.expiresAt }),
  }
}

/** Whoever opened a page, as they stand now. @throws Problem `token-invalid` when what let them in has ended */
export async function admissionOfPage(deps: AdmissionDeps, page: TokenClaims<'page'>): Promise<Admission> {
  const { clientId, embedId, linkId, expiresAt, grants, seesWorkspace, isGuest, user, options = {} } = page
  if (linkId !== undefined) return admissionOfLink(deps, linkId, user)
  if (expiresAt !== undefined && expiresAt <= deps.clock().toISOString()) throw new Problem('token-invalid')
  await demandNotRevoked(deps, embedId)
  const caller = await makerOf(deps, clientId)
  return {
    caller: { ...caller, actsFor: user },
    user,
    grants: narrowed(grants, grantsOf(caller)),
    seesWorkspace,
    isGuest,
    embedId,
    expiresAt,
    options,
  }
}

/** Names what let somebody in, so that taking it back can drop them. */
export function admittedBy({ caller, embedId, linkId }: Admission): string | undefined {
  const keyId = caller.kind === 'client' ? caller.id : undefined
  if (linkId !== undefined) return `link:${linkId}`
  if (embedId !== undefined) return ['embed', embedId, keyId].filter(Boolean).join(':')
  return keyId && `key:${keyId}`
}

async function makerOf(deps: AdmissionDeps, clientId: string | undefined): Promise<Caller> {
  return clientId === undefined ? { kind: 'administrator' } : clientById(deps, clientId)
}
