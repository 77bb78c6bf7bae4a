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
