import { Problem } from '../errors.ts'
import { hasAttachment } from '../metadata/attachments.ts'
import { findDocument } from '../metadata/documents.ts'
import { findVersion } from '../metadata/versions.ts'
import type { Deps } from './deps.ts'
import { offeredName } from './titles.ts'
import type { TokenClaims } from './tokens.ts'

export type OpenedFile = {
  sha256: string
  /** Bytes. */
  size: number
  extension: string
  /** Offered to whoever saves it. */
  name: string
}

/**
 * The one file that a file token names: a version's content, its archive of changes, or an image
 * that was given for the document.
 *
 * @throws Problem `document-not-found` (also once the document is deleted), `version-not-found`,
 *   `attachment-not-found`, `blob-missing`
 */
export async function openFile(
  deps: Pick<Deps, 'database' | 'blobs'>,
  documentId: string,
  claims: TokenClaims<'file'>,
): Promise<OpenedFile> {
  if (claims.part === 'attachment') return openAttachment(deps, documentId, claims)
  const version = await findVersion(deps.database, claims.versionId)
  if (version === undefined || version.document_id !== documentId) throw new Problem('version-not-found')
  const { title } = await documentOf(deps, documentId)
  if (claims.part === 'content') {
    const name = offeredName(title, version.file_type)
    return { sha256: version.sha256, size: version.size, extension: version.file_type, name }
  }
  if (version.changes_sha256 === null) throw new Problem('version-not-found')
  const name = offeredName(`${title} (changes ${version.number})`, 'zip')
  return opened(deps, version.changes_sha256, 'zip', name)
}

async function openAttachment(
  deps: Pick<Deps, 'database' | 'blobs'>,
  documentId: string,
  { sha256, extension }: { sha256: string; extension: string },
): Promise<OpenedFile> {
  await documentOf(deps, documentId)
  if (!(await hasAttachment(deps.database, { sha256, documentId }))) throw new Problem('attachment-not-found')
  return opened(deps, sha256, extension, `image.${extension}`)
}

async function documentOf({ database }: Pick<Deps, 'database'>, documentId: string) {
  const document = await findDocument(database, documentId, undefined)
  if (document === undefined) throw new Problem('document-not-found')
  return document
}

async function opened(
  { blobs }: Pick<Deps, 'blobs'>,
  sha256: string,
  extension: string,
  name: string,
): Promise<OpenedFile> {
  await using bytes = await blobs.open(sha256)
  return { sha256, size: bytes.size, extension, name }
}
