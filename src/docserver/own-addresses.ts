import { FILE_TOKEN_S, type TokenClaims } from '../core/tokens.ts'
import type { Door } from './door.ts'

/** Where one file of a document is fetched, by whoever has the address. */
export function fileAddress(
  { tokens, addresses }: Pick<Door, 'tokens' | 'addresses'>,
  documentId: string,
  claims: TokenClaims<'file'>,
  { byBrowser = false } = {},
): string {
  const base = byBrowser ? addresses.publicUrl : addresses.internalUrl
  return `${base}/api/onlyoffice/file/${documentId}?t=${tokens.issue('file', claims, FILE_TOKEN_S)}`
}

/** Where a browser opens a document. */
export function viewerAddress({ addresses }: Pick<Door, 'addresses'>, documentId: string): string {
  return `${addresses.publicUrl}/api/onlyoffice/viewer/${documentId}`
}

/** The document that a viewer's address names; undefined for addresses that are not ours. */
export function documentIdIn({ addresses }: Pick<Door, 'addresses'>, address: string): string | undefined {
  const prefix = viewerAddress({ addresses }, '')
  if (!address.startsWith(prefix)) return undefined
  return /^[\w-]+/.exec(address.slice(prefix.length))?.[0]
}
