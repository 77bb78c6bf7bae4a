import { isSqlite } from '../metadata/database.ts'
import type { Database } from '../metadata/schema.ts'
import { type Check, failed, passed } from './check.ts'
import type { Run } from './parts.ts'

const MOST_ATTEMPTS = 5
const ID = 'database'

const DATABASE_FIX = 'Check that DATABASE_URL names a database that this service may write and that has room.'
export const EMPTY_FIX =
  'Start the service once, which makes its tables, or set DATABASE_URL to the database that it works on.'

/** Codes of a write that PostgreSQL refused, and what is to be done. Source: PostgreSQL, Appendix A. */
const REFUSALS: Record<string, string> = {
  '42P01': EMPTY_FIX,
  '42501':
    'Make the user of DATABASE_URL the owner of the database and its tables, as the one who made them is.',
  '25006': 'Set DATABASE_URL to the server that takes writes: this one is read-only.',
  '53100': 'Free room on the disk of PostgreSQL.',
}

/** Reaches the database as a start of the service does, and writes what is there already. */
export async function databaseCheck({
  config,
  limits,
  database,
}: Pick<Run, 'config' | 'limits' | 'database'>): Promise<Check> {
  if (!isSqlite(config.DATABASE_URL)) {
    // Loaded only where it is used: it costs memory.
    const { connectionTrouble } = await import('./postgres.ts')
    const trouble = await connectionTrouble(config.DATABASE_URL, limits.checkMs / 2)
    if (trouble !== undefined) return failed(ID, trouble.evidence, trouble.fix)
  }
  if (database === undefined) return failed(ID, 'the database cannot be opened', DATABASE_FIX)
  return writeCheck(database)
}

async function writeCheck(database: Database): Promise<Check> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await database
        .updateTable('installation')
        .set((eb) => ({ key_prefix: eb.ref('key_prefix') }))
        .execute()
      return passed(ID, 'the database answers and takes writes')
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown fault'
      // The service may be writing in this very moment.
      if (code !== 'SQLITE_BUSY' || attempt >= MOST_ATTEMPTS) {
        return failed(ID, `the database does not take a write (${code})`, REFUSALS[code] ?? DATABASE_FIX)
      }
    }
  }
}
