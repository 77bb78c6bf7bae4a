import pg from 'pg'
import { placeOf, type Trouble, unreachable } from './place.ts'
import { faultOfCode } from './requests.ts'

const PROGRAM = 'PostgreSQL'
const SETTING = 'DATABASE_URL'

/** Codes with which it refuses a connection. Source: PostgreSQL, Appendix A. */
const REFUSALS: Record<string, string> = {
  '28P01': 'Correct the user and the password in DATABASE_URL.',
  '28000': 'Correct the user in DATABASE_URL, or let pg_hba.conf of PostgreSQL admit it from this machine.',
  '3D000': 'Make the database that DATABASE_URL names, or correct its name there.',
  '42501': 'Give the user of DATABASE_URL the right to connect to that database.',
  '53300': 'Raise max_connections of PostgreSQL, or lower DATABASE_POOL of each node.',
  '57P03': 'Wait until PostgreSQL has started, or look into its log for what keeps it.',
}

/**
 * What keeps a new connection from being made; undefined: nothing. Its own words are not quoted: they
 * may hold what must not be shown.
 */
export async function connectionTrouble(url: string, limitMs: number): Promise<Trouble | undefined> {
  const place = placeOf(url) ?? `the host of ${SETTING}`
  let client: pg.Client
  try {
    client = new pg.Client({ connectionString: url, connectionTimeoutMillis: limitMs })
  } catch {
    const evidence = `${SETTING} cannot be read`
    return {
      evidence,
      fix: `Write ${SETTING} as postgres://user:password@host:port/database, with special characters of the password percent-encoded.`,
    }
  }
  client.on('error', () => {})
  try {
    await client.connect()
    return undefined
  } catch (error) {
    return troubleOf(error, place)
  } finally {
    void client.end().catch(() => {})
  }
}

function troubleOf(error: unknown, place: string): Trouble {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const words = error instanceof Error ? error.message : ''
  const refusal = REFUSALS[code ?? '']
  if (refusal !== undefined)
    return { evidence: `${PROGRAM} at ${place} refuses the connection (${code})`, fix: refusal }
  // pg gives these no code.
  if (/^SASL|password/.test(words)) {
    const evidence = `${PROGRAM} at ${place} asks for a password that ${SETTING} does not give`
    return { evidence, fix: 'Correct the user and the password in DATABASE_URL.' }
  }
  if (/does not support SSL/.test(words)) {
    const evidence = `${PROGRAM} at ${place} has no TLS`
    return { evidence, fix: `Switch on TLS in ${PROGRAM}, or take sslmode out of ${SETTING}.` }
  }
  const isLate = /^timeout/.test(words)
  return unreachable(faultOfCode(code ?? (isLate ? 'ETIMEDOUT' : 'no answer')), SETTING, PROGRAM, place)
}
