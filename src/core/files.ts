import { Problem } from '../errors.ts'
import { findDocument } from '../metadata/documents.ts'
import { findVersion } from '../metadata/versions.ts'
import type { Deps } from './deps.ts'
import { offeredName } from './titles.ts'

/**
 * The one file that a file token names: a version's content or its archive of changes.
 *
 * @throws Problem `document-not-found` (also once the document is deleted), `version-not-found`
 */
export async function openFile(
  { database }: Pick<Deps, 'database'>,
  { documentId, versionId, part }: { documentId: string; versionId: string; part: 'content' | 'changes' },
): Promise<{ sha256: string; size: number; extension: string; name: string }> {
  const version = await findVersion(database, versionId)
  if (version === undefined || version.document_id !== documentId) throw new Problem('version-not-found')
  const document = await findDocument(database, documentId, undefined)
  if (document === undefined) throw new Problem('document-not-found')
  if (part === 'content') {
    const name = offeredName(document.title, version.file_type)
    return { sha256: version.sha256, size: version.size, extension: version.file_type, name }
  }
  throw new Problem('version-not-found')
}
