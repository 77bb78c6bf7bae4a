import type { Database } from './schema.ts'

/** The random start of every key that this installation issues; a Document Server may serve others too. */
export async function keyPrefix(db: Database): Promise<string> {
  const row = await db.selectFrom('installation').select('key_prefix').executeTakeFirstOrThrow()
  return row.key_prefix
}
