import type { Database } from './schema.ts'

/** `title.extension` by id, deleted ones among them. */
export async function namesOfDocuments(db: Database, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('documents')
    .select(['id', 'title', 'file_type'])
    .where('id', 'in', [...new Set(ids)])
    .execute()
  return new Map(rows.map(({ id, title, file_type }) => [id, `${title || 'Untitled'}.${file_type}`]))
}
