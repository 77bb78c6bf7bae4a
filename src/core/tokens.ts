import { createSecretKey, type KeyObject } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { deriveKey } from '../secrets.ts'
import { hashSecret } from './hashed-secrets.ts'
import { GRANTS } from './sharing/grants.ts'
import { SharingOptions } from './sharing/options.ts'

/** Source: Nuto Office API, Embed. */
export const EMBED_PERMISSIONS = ['view', 'edit', 'comment'] as const

/**
 * What each of our own tokens may hold. A token is good for one purpose only: each purpose signs
 * with a key of its own and names itself in `aud`.
 */
const PURPOSES = {
  /** A REST client. */
  access: z.object({ clientId: z.string(), expiresAt: z.string().optional() }),
  /** One file for Document Server: the content of a version, its archive of changes, or an image. */
  file: z.discriminatedUnion('part', [
    z.object({ versionId: z.string(), part: z.enum(['content', 'changes']) }),
    z.object({ sha256: z.string(), extension: z.string(), part: z.literal('attachment') }),
  ]),
  /** One opened editor page: its document and what it was opened with. */
  page: z.object({
    documentId: z.string(),
    /** Who opened it; undefined for the administrator. */
    clientId: z.string().optional(),
    /** The embed that shows it. */
    embedId: z.string().optional(),
    /** When the embed ends. ISO 8601, UTC. */
    expiresAt: z.string().optional(),
    /** The link that it was opened by. */
    linkId: z.string().optional(),
    /** What its user may do. */
    grants: z.array(z.enum(GRANTS)),
    /** Its user may pick other documents of the workspace, too. */
    seesWorkspace: z.boolean(),
    isGuest: z.boolean(),
    mode: z.enum(['edit', 'view', 'comment', 'review', 'fillForms']),
    type: z.enum(['desktop', 'mobile', 'embedded']),
    lang: z.string().optional(),
    /** Co-editing in strict mode. */
    isStrict: z.boolean().optional(),
    user: z.object({ id: z.string(), name: z.string(), group: z.string().optional() }),
    /** Of the embed that shows it; a link's are in its row. */
    options: SharingOptions.optional(),
  }),
  /** A document in somebody's page. */
  embed: z.object({
    /** Names the embed, so that it can be ended by itself; absent in tokens of earlier releases. */
    id: z.string().optional(),
    documentId: z.string(),
    /** Who made it; undefined for the administrator. */
    clientId: z.string().optional(),
    /** ISO 8601, UTC: pages that it opened end with it. */
    expiresAt: z.string().optional(),
    permissions: z.array(z.enum(EMBED_PERMISSIONS)),
    user: z.object({ id: z.string(), name: z.string(), group: z.string().optional() }).optional(),
    options: SharingOptions.optional(),
  }),
  /** An address that lets somebody in to one document; its row says the rest. */
  link: z.object({ linkId: z.string() }),
  /** Somebody without an account, in their browser. */
  guest: z.object({ id: z.string(), name: z.string() }),
  /** One look of the doctor at the service. */
  probe: z.object({
    /** Names the look, so that it is known what reached us. */
    nonce: z.string(),
    part: z.enum(['file', 'page', 'size', 'facts']),
    /** Size that is announced. */
    bytes: z.number().optional(),
  }),
  /** The administrator's browser. */
  administrator: z.object({}),
}

const Lifetime = z.object({ exp: z.number() })
const MOST_REMEMBERED = 5000

type Purpose = keyof typeof PURPOSES
export type TokenClaims<P extends Purpose> = z.output<(typeof PURPOSES)[P]>

/** Longest editing session of Document Server, and a day. */
export const FILE_TOKEN_S = 31 * 86_400
export const PAGE_TOKEN_S = 86_400
export const ADMINISTRATOR_S = 12 * 3600

export type Tokens = {
  /** @returns a JWT (HS256, RFC 7519) */
  issue<P extends Purpose>(purpose: P, claims: TokenClaims<P>, lifetimeS: number): string
  /** Undefined for anything that is not a good token of this purpose. */
  read<P extends Purpose>(purpose: P, token: string): TokenClaims<P> | undefined
}

/** @param adminToken a new one ends what was signed in by the one before */
export function createTokens(rootSecret: string, clock: () => Date, adminToken: string): Tokens {
  const keys = new Map<Purpose, KeyObject>()
  for (const purpose of Object.keys(PURPOSES) as Purpose[]) {
    const name =
      purpose === 'administrator' ? `token:${purpose} ${hashSecret(adminToken)}` : `token:${purpose}`
    keys.set(purpose, createSecretKey(deriveKey(rootSecret, name)))
  }
  const keyOf = (purpose: Purpose): KeyObject => {
    const key = keys.get(purpose)
    if (key === undefined) throw new Error(`no key for ${purpose}`)
    return key
  }
  const seconds = () => Math.floor(clock().getTime() / 1000)
  // Callers send the same token again and again; a signature does not change.
  const verified = new LRUCache<string, { claims: object; exp: number }>({ max: MOST_REMEMBERED })
  return {
    issue(purpose, claims, lifetimeS) {
      const iat = seconds()
      return jwt.sign({ ...claims, aud: purpose, iat, exp: iat + lifetimeS }, keyOf(purpose), {
        algorithm: 'HS256',
      })
    },
    read(purpose, token) {
      const name = `${purpose} ${token}`
      const known = verified.get(name)
      if (known !== undefined)
        return known.exp > seconds() ? (known.claims as TokenClaims<typeof purpose>) : undefined
      try {
        const payload = jwt.verify(token, keyOf(purpose), {
          algorithms: ['HS256'],
          audience: purpose,
          clockTimestamp: seconds(),
        })
        const claims = PURPOSES[purpose].parse(payload) as TokenClaims<typeof purpose>
        verified.set(name, { claims, ...Lifetime.parse(payload) })
        return claims
      } catch {
        return undefined
      }
    },
  }
}
