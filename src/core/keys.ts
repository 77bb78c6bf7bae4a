import { randomBytes } from 'node:crypto'

/**
 * A new document key: the installation's prefix, then 144 random bits, all in the alphabet that
 * Document Server allows. A key that collides shows another document's cached content.
 *
 * Source: ONLYOFFICE Docs API, Document, key.
 */
export function newKey(prefix: string): string {
  return `${prefix}${randomBytes(18).toString('base64url')}`
}

export function isOwnKey(prefix: string, key: string): boolean {
  return key.startsWith(prefix)
}
