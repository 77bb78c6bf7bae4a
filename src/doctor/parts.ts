import type { writeFile } from 'node:fs/promises'
import type { ServiceAddresses } from '../addresses.ts'
import type { Config } from '../config.ts'
import type { Tokens } from '../core/tokens.ts'
import type { DocServerTokens } from '../docserver/tokens.ts'
import type { Database } from '../metadata/schema.ts'
import type { Send } from './requests.ts'

/** What the doctor looks with; all legs are tried over HTTP, also the ones to the service itself. */
export type DoctorParts = {
  config: Config
  clock: () => Date
  /** Undefined: it cannot be opened. */
  database: Database | undefined
  addresses: ServiceAddresses
  tokens: Tokens
  docServerTokens: DocServerTokens
  isLibreOfficeInstalled: boolean
  /** False leaves out what would write an error into Document Server's log at every look. */
  looksOnce: boolean
  limits?: Limits
  /** Tests put a full disk in. */
  writeFile?: typeof writeFile
}

export type Limits = {
  /** For one request. */
  requestMs: number
  /** For what Document Server does before it answers: it tries a download three times. */
  conversionMs: number
  /** For one check without a request. */
  checkMs: number
}

export const LIMITS: Limits = { requestMs: 8000, conversionMs: 30_000, checkMs: 10_000 }

/** The parts of one run. */
export type Run = DoctorParts & { send: Send; limits: Limits }

/** The names of the settings that the addresses in use come from. */
export function settingsOf(config: Pick<Config, 'INTERNAL_URL' | 'ONLYOFFICE_INTERNAL_URL'>) {
  return {
    own: config.INTERNAL_URL === undefined ? 'PUBLIC_URL' : 'INTERNAL_URL',
    docServer: config.ONLYOFFICE_INTERNAL_URL === undefined ? 'ONLYOFFICE_URL' : 'ONLYOFFICE_INTERNAL_URL',
  } as const
}

const TOKEN_S = 600
export const PROBE_PATH = '/api/onlyoffice/probe'

/** Where the service shows a part of itself to whoever has the address. */
export function probeAddress(
  { tokens }: Pick<DoctorParts, 'tokens'>,
  base: string,
  claims: { nonce: string; part: 'file' | 'page' | 'size' | 'facts'; bytes?: number },
): string {
  return `${base}${PROBE_PATH}?t=${tokens.issue('probe', claims, TOKEN_S)}`
}
