import { parseCookie } from 'cookie'
import type { Request } from 'express'
import { LRUCache } from 'lru-cache'
import { clientById } from '../core/api-keys.ts'
import type { Caller } from '../core/callers.ts'
import type { Deps } from '../core/deps.ts'
import { equalSecrets } from '../core/hashed-secrets.ts'
import type { Tokens } from '../core/tokens.ts'
import { Problem } from '../errors.ts'

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
      if (isAdministrator(request, tokens)) return { kind: 'administrator' }
      throw new Problem('token-missing')
    },
  }
}

export function isAdministrator(request: Request, tokens: Tokens): boolean {
  const cookie = parseCookie(request.headers.cookie ?? '')[ADMINISTRATOR_COOKIE]
  return cookie !== undefined && tokens.read('administrator', cookie) !== undefined
}

/** Source: RFC 6750 §2.1. */
export function bearerOf(request: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1]
}
