import { createHmac } from 'node:crypto'
import { parseCookie } from 'cookie'
import type { Request } from 'express'
import { equalSecrets } from '../core/hashed-secrets.ts'
import { Problem } from '../errors.ts'
import { deriveKey } from '../secrets.ts'
import { ADMINISTRATOR_COOKIE } from './authentication.ts'

const HEADER = 'X-CSRF-Token'

export type Csrf = {
  /** For the page that a cookie opened: its scripts send it back. */
  tokenOf(request: Request): string
  /** A request that a cookie authorises and that changes something comes from one of our own pages. @throws Problem `origin-refused` */
  demand(request: Request): void
}

/** Source: OWASP, Cross-Site Request Forgery Prevention, HMAC based token; Fetch Standard, Origin header. */
export function createCsrf(rootSecret: string, publicUrl: string): Csrf {
  const key = deriveKey(rootSecret, 'csrf')
  const { origin } = new URL(publicUrl)

  function tokenOf(request: Request): string {
    const cookie = parseCookie(request.headers.cookie ?? '')[ADMINISTRATOR_COOKIE] ?? ''
    return createHmac('sha256', key).update(cookie).digest('base64url')
  }

  return {
    tokenOf,
    demand(request) {
      const own = [origin, `${request.protocol}://${request.headers.host}`]
      const isOwn = own.includes(request.headers.origin ?? '')
      if (!isOwn || !equalSecrets(request.get(HEADER) ?? '', tokenOf(request))) {
        throw new Problem('origin-refused', `a page of ours sends its Origin and ${HEADER}`)
      }
    },
  }
}
