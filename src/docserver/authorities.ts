import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'

/**
 * Certificate authorities that are believed beside Node's own and the system's.
 *
 * @param caFile PEM file of a private authority, one or more certificates
 * @returns undefined: what Node believes by itself
 */
export function trustedAuthorities(caFile: string | undefined): string[] | undefined {
  if (caFile === undefined) return undefined
  return [...getCACertificates('default'), readFileSync(caFile, 'utf8')]
}
