import { Problem } from '../errors.ts'

/** Where Document Server is: for browsers, and for us when that differs. No trailing slashes. */
export type DocServerAddresses = { publicUrl: string; internalUrl: string; otherOrigins: readonly string[] }

/**
 * The address under which we fetch a file of Document Server. Its own answer names the host by
 * which a browser or a command reached it, or no host at all: the public address is replaced by the
 * internal one, and only then the origin (scheme, host and port) is checked.
 *
 * @throws Problem `download-refused` for any other origin
 */
export function fetchAddress(
  { publicUrl, internalUrl, otherOrigins }: DocServerAddresses,
  url: string,
): string {
  let address: URL
  try {
    address = new URL(url, `${internalUrl}/`)
  } catch {
    throw new Problem('download-refused', 'the address of the file cannot be read')
  }
  const rewritten = withBase(address, new URL(publicUrl), new URL(internalUrl))
  const allowed = [new URL(internalUrl).origin, new URL(publicUrl).origin, ...otherOrigins]
  if (!allowed.includes(rewritten.origin) || rewritten.username !== '' || rewritten.password !== '') {
    throw new Problem('download-refused', `${address.origin} is not an address of Document Server`)
  }
  return rewritten.href
}

function withBase(address: URL, from: URL, to: URL): URL {
  const prefix = from.pathname.replace(/\/+$/, '')
  const isBelow = address.pathname === prefix || address.pathname.startsWith(`${prefix}/`)
  if (address.origin !== from.origin || !isBelow) return address
  const path = to.pathname.replace(/\/+$/, '') + address.pathname.slice(prefix.length)
  return new URL(`${path}${address.search}`, to.origin)
}
