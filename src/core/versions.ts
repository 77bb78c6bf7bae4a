import type { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import type { DocumentRow, VersionRow } from '../metadata/schema.ts'
import { currentSession } from '../metadata/sessions.ts'
import { findVersion, versionById, versionsOf } from '../metadata/versions.ts'
import { authorOf, type Caller, demand } from './callers.ts'
import type { Deps } from './deps.ts'
import { putUpload, readableDocument } from './documents.ts'
import { replaceHead } from './new-head.ts'
import { editorsOf } from './sessions.ts'

type HeadDeps = Pick<
  Deps,
  'database' | 'blobs' | 'config' | 'clock' | 'docServer' | 'events' | 'keyPrefix' | 'log'
>

/** Newest first. @throws Problem `document-not-found`, `permission-missing` */
export async function listVersions(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
): Promise<VersionRow[]> {
  const document = await readableDocument(deps, caller, documentId)
  return versionsOf(deps.database, document.id)
}

export function headVersion(
  { database }: Pick<Deps, 'database'>,
  document: DocumentRow,
): Promise<VersionRow> {
  return versionById(database, document.head_version_id)
}

/** @throws Problem `version-not-found`, also for another document's version */
export async function versionOf(
  { database }: Pick<Deps, 'database'>,
  document: DocumentRow,
  versionId: string,
): Promise<VersionRow> {
  const version = await findVersion(database, versionId)
  if (version?.document_id !== document.id) throw new Problem('version-not-found')
  return version
}

/**
 * Makes an earlier version the head again: one new version with the same blob, no bytes move.
 *
 * @throws Problem `permission-missing`, `document-not-found`, `version-not-found`
 */
export async function restoreVersion(
  deps: HeadDeps,
  caller: Caller,
  { documentId, versionId }: { documentId: string; versionId: string },
): Promise<VersionRow> {
  demand(caller, 'documents:write')
  const document = await readableDocument(deps, caller, documentId)
  const source = await versionOf(deps, document, versionId)
  return replaceHead(deps, document, {
    kind: 'restored',
    blob: { sha256: source.sha256, size: source.size },
    fileType: source.file_type,
    author: authorOf(caller),
    description: `Restored from version ${source.number}`,
  })
}

/**
 * Whether new content may replace the document's: not while somebody edits it unless forced, and
 * only over the content that the caller knows (`If-Match` with the ETag of the download).
 *
 * @throws Problem `document-being-edited`, `precondition-failed`, `document-not-found`, `permission-missing`
 */
export async function demandReplaceable(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
  { force, ifMatch }: { force: boolean; ifMatch: string | undefined },
): Promise<void> {
  demand(caller, 'documents:write')
  const document = await readableDocument(deps, caller, documentId)
  const { sha256 } = await headVersion(deps, document)
  const isKnown =
    ifMatch === undefined || ifMatch === '*' || ifMatch.split(',').some((one) => one.trim() === `"${sha256}"`)
  if (!isKnown) throw new Problem('precondition-failed')
  const session = await currentSession(deps.database, documentId)
  if (!force && session !== undefined && editorsOf(session).length > 0) {
    throw new Problem(
      'document-being-edited',
      'add force=true to replace it all the same: what is typed is kept as a version',
    )
  }
}

/**
 * Adds a version from uploaded bytes of the document's own type and makes it the head.
 *
 * @throws Problem `permission-missing`, `document-not-found` and all of `putUpload`
 */
export async function addContent(
  deps: HeadDeps,
  caller: Caller,
  { documentId, bytes }: { documentId: string; bytes: Readable },
): Promise<VersionRow> {
  demand(caller, 'documents:write')
  const document = await readableDocument(deps, caller, documentId)
  const blob = await putUpload(deps, bytes, document.file_type)
  return replaceHead(deps, document, {
    kind: 'upload',
    blob,
    fileType: document.file_type,
    author: authorOf(caller),
  })
}
