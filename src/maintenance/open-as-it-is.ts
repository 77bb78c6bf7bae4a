import { resolve } from 'node:path'
import { databasePath, isSqlite, openBeside } from '../metadata/database.ts'
import type { Database } from '../metadata/schema.ts'
import { openCopy } from '../metadata/sqlite.ts'

/**
 * Opens the database of a `DATABASE_URL` with the schema that it has, or with none. SQLite: for reading alone.
 *
 * @throws Error of SQLite when its file is missing; all else is told by the first query
 */
export async function openAsItIs(url: string): Promise<Database> {
  return isSqlite(url) ? openCopy(resolve(databasePath(url))) : openBeside(url)
}
