import type { DocumentRow } from '../metadata/schema.ts'
import { type Caller, demand } from './callers.ts'
import type { Deps } from './deps.ts'
import { fetchFromEditor } from './fetch-from-editor.ts'
import { addDocument } from './new-document.ts'
import { withoutExtension } from './titles.ts'

/**
 * A new document beside another one, from what the editor made of it.
 *
 * @throws Problem `permission-missing` and all of `fetchFromEditor`
 */
export async function saveAs(
  deps: Pick<Deps, 'database' | 'blobs' | 'config' | 'clock' | 'keyPrefix' | 'docServer'>,
  caller: Caller,
  source: DocumentRow,
  { title, fileType, url }: { title: string; fileType: string; url: string },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const blob = await fetchFromEditor(deps, { url, fileType, strictness: 'exact' })
  return addDocument(deps, caller, {
    title: withoutExtension(title, fileType),
    fileType,
    blob,
    kind: 'upload',
    action: 'copied',
    workspaceId: source.workspace_id,
    description: `Saved from “${source.title}”`,
    place: { folder: source.folder },
  })
}
