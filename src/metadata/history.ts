import type { Database, VersionRow } from './schema.ts'

/** Undefined also when its bytes were given up. */
export function versionNumbered(
  db: Database,
  documentId: string,
  number: number,
): Promise<VersionRow | undefined> {
  return db
    .selectFrom('versions')
    .selectAll()
    .where('document_id', '=', documentId)
    .where('number', '=', number)
    .where('deleted_at', 'is', null)
    .executeTakeFirst()
}

/** The texts of changes of the newest versions by their ids, until their bytes are used up. */
export async function newestHistories(
  db: Database,
  documentId: string,
  { most, maxBytes }: { most: number; maxBytes: number },
): Promise<Map<string, string>> {
  const sizes = await db
    .selectFrom('versions')
    .select((row) => ['id', row.fn<number>('length', ['history']).as('length')])
    .where('document_id', '=', documentId)
    .where('history', 'is not', null)
    .where('deleted_at', 'is', null)
    .orderBy('number', 'desc')
    .limit(most)
    .execute()
  let left = maxBytes
  const ids: string[] = []
  for (const { id, length } of sizes) {
    left -= Number(length)
    if (left < 0) break
    ids.push(id)
  }
  if (ids.length === 0) return new Map()
  const rows = await db.selectFrom('versions').select(['id', 'history']).where('id', 'in', ids).execute()
  return new Map(rows.map(({ id, history }) => [id, history ?? '']))
}
