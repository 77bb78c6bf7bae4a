import { type RawBuilder, type SqlBool, sql } from 'kysely'
import { isPostgres } from './engine.ts'
import type { Database } from './schema.ts'

/** An index of PostgreSQL holds no value of more than 2,704 bytes; these characters have 2,000 at most. */
export const INDEXED_LENGTH = 500

/** Documents of a folder, or of it and all below. Folders below one lie between `path/` and `path0`: `0` follows `/` in ASCII. */
export function inFolder(
  db: Database,
  { path, isDeep }: { path: string; isDeep: boolean },
  plus: RawBuilder<unknown> = sql``,
): RawBuilder<SqlBool> {
  if (isPostgres(db)) return inFolderOfPostgres(path, isDeep)
  const folder = sql`${plus}folder`
  if (!isDeep) return sql`${folder} = ${path}`
  if (path === '/') return sql`${folder} >= '/'`
  return sql`(${folder} >= ${path} and ${folder} < ${`${path}0`} and (+folder = ${path} or +folder >= ${`${path}/`}))`
}

function inFolderOfPostgres(path: string, isDeep: boolean): RawBuilder<SqlBool> {
  const indexed = sql`left(folder, ${sql.lit(INDEXED_LENGTH)})`
  const start = [...path].slice(0, INDEXED_LENGTH).join('')
  if (!isDeep) return sql`(${indexed} = ${start} and folder = ${path})`
  if (path === '/') return sql`folder >= '/'`
  return sql`(${indexed} >= ${start} and ${indexed} < ${`${start}0`}
    and (folder = ${path} or starts_with(folder, ${`${path}/`})))`
}
