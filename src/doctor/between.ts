import type { Answer } from './requests.ts'

/** What stands before a service, when it answers instead of it. */
export type Between = 'proxy' | 'sign-in'

/**
 * @returns `proxy`: one that does not reach what it stands for; `sign-in`: one that wants to know who asks;
 *   undefined: it may be anything
 */
export function betweenOf({ status, body }: Pick<Answer, 'status' | 'body'>): Between | undefined {
  if (status >= 502 && status <= 504) return 'proxy'
  // Another service of our kind refuses our tokens.
  if (status === 403 && body.includes('FILE_TOKEN_INVALID')) return undefined
  const isSignIn = status === 401 || status === 403 || status === 407 || (status >= 300 && status <= 399)
  return isSignIn ? 'sign-in' : undefined
}

/** How Document Server learns the address that browsers see; it builds others on it. */
export function forwardedFix(setting: string): string {
  return (
    `Let the proxy before ${setting} send X-Forwarded-Proto, X-Forwarded-Host and, below a sub-path, X-Forwarded-Prefix ` +
    'as browsers see them (nginx: proxy_set_header X-Forwarded-Proto $scheme;).'
  )
}

/** What is to be done about a certificate, whoever shows it; undefined: it is whole, but nobody here vouches for it. */
export function certificateFix(code: string, setting: string, hostname: string): string | undefined {
  if (code === 'CERT_HAS_EXPIRED') return `Renew the certificate that is shown at ${setting}.`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `Put a host name into ${setting} that its certificate holds, or have one made for "${hostname}".`
  }
  return undefined
}
