import { parseCookie } from 'cookie'
import type { Request } from 'express'
import { LRUCache } from 'lru-cache'
import { clientById } from '../core/api-keys.ts'
import type { Caller } from '../core/callers.ts'
import type { Deps } from '../core/deps.ts'
import { equalSecrets, hashSecret } from '../core/hashed-secrets.ts'
import { afterSeconds } from '../core/sessions.ts'
import { ADMINISTRATOR_S, type Tokens } from '../core/tokens.ts'
import { Problem } from '../errors.ts'
import { insertRevokedEmbed, isEmbedRevoked } from '../metadata/embeds.ts'

export const ADMINISTRATOR_COOKIE = 'docs_administrator'
/** A revoked key stops working within this time. */
const CLIENT_CACHED_MS = 10_000

export type Authentication = {
  /** By bearer: a client's access token or the administrator's token. @throws Problem `token-missing`, `token-invalid` */
  byBearer(request: Request): Promise<Caller>
  /** The same for a token that came another way. @throws Problem `token-invalid` */
  byToken(token: string): Promise<Caller>
  /** By bearer, else by the administrator's cookie. For requests that change nothing. @throws as `byBearer` */
  byBearerOrCookie(request: Request): Promise<Caller>
}

export function createAuthentication(
  deps: Pick<Deps, 'database' | 'clock'>,
  tokens: Tokens,
  adminToken: string,
): Authentication {
  const clients = new LRUCache<string, Caller>({
    max: 10_000,
    ttl: CLIENT_CACHED_MS,
    fetchMethod: (id) => clientById(deps, id),
  })

  async function byBearer(request: Request): Promise<Caller> {
    const token = bearerOf(request)
    if (token === undefined) throw new Problem('token-missing')
    return byToken(token)
  }

  async function byToken(token: string): Promise<Caller> {
    const claims = tokens.read('access', token)
    if (claims !== undefined) {
      const client = await clients.fetch(claims.clientId)
      if (client !== undefined) return client
    }
    if (equalSecrets(token, adminToken)) return { kind: 'administrator' }
    throw new Problem('token-invalid')
  }

  return {
    byBearer,
    byToken,
    async byBearerOrCookie(request) {
      if (bearerOf(request) !== undefined) return byBearer(request)
      if (await isSignedIn(request, tokens, deps)) return { kind: 'administrator' }
      throw new Problem('token-missing')
    },
  }
}

/** The cookie of somebody who signs in now; no two are the same. */
export function newSignIn(tokens: Tokens): string {
  // A fraction of a second tells those apart that begin in the same one. Source: RFC 7519 §2, NumericDate.
  return tokens.issue('administrator', {}, ADMINISTRATOR_S + Math.random())
}

/** By the cookie's signature and time alone: whether it was signed out, `isSignedIn` knows. */
export function isAdministrator(request: Request, tokens: Tokens): boolean {
  return cookieOf(request, tokens) !== undefined
}

/** The request carries the cookie of a sign-in that was not ended. */
export async function isSignedIn(
  request: Request,
  tokens: Tokens,
  { database }: Pick<Deps, 'database'>,
): Promise<boolean> {
  const cookie = cookieOf(request, tokens)
  return cookie !== undefined && !(await isEmbedRevoked(database, signInId(cookie)))
}

/** From now on the request's cookie is worth nothing, in whatever hands a copy of it is. */
export async function endSignIn(
  request: Request,
  tokens: Tokens,
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
): Promise<void> {
  const cookie = cookieOf(request, tokens)
  if (cookie === undefined) return
  await insertRevokedEmbed(database, signInId(cookie), afterSeconds(clock(), ADMINISTRATOR_S + 1))
}

/** Among the ended embeds: both are noted until their tokens end by themselves. */
function signInId(cookie: string): string {
  return `sign-in ${hashSecret(cookie)}`
}

/** Undefined without a good one. */
function cookieOf(request: Request, tokens: Tokens): string | undefined {
  const cookie = parseCookie(request.headers.cookie ?? '')[ADMINISTRATOR_COOKIE]
  return cookie !== undefined && tokens.read('administrator', cookie) !== undefined ? cookie : undefined
}

/** Source: RFC 6750 §2.1. */
export function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
}
