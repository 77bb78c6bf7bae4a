import type { Database, DocumentRow } from './schema.ts'

/** By what formulas and links call a file. The one changed last, if there are several. */
export function documentNamed(
  db: Database,
  { workspaceId, title, fileType, folder }: NamedFile,
): Promise<DocumentRow | undefined> {
  let query = db
    .selectFrom('documents')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('title', '=', title)
    .where('file_type', '=', fileType)
    .where('deleted_at', 'is', null)
  if (folder !== undefined) query = query.where('folder', '=', folder)
  return query.orderBy('updated_at', 'desc').limit(1).executeTakeFirst()
}

export type NamedFile = {
  workspaceId: string
  /** Without the extension. */
  title: string
  fileType: string
  /** Undefined: anywhere in the workspace. */
  folder?: string
}
