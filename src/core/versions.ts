import type { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import { mentionedAmong } from '../metadata/mentions.ts'
import type { DocumentRow, Tx, VersionRow } from '../metadata/schema.ts'
import { currentSession, detachVersion } from '../metadata/sessions.ts'
import {
  findVersion,
  type ListedVersion,
  updateVersion,
  versionById,
  versionsOf,
} from '../metadata/versions.ts'
import { recordActivity } from './activity.ts'
import { authorOf, type Caller, demand } from './callers.ts'
import type { Deps } from './deps.ts'
import { documentFor, readableDocument } from './documents.ts'
import { putUpload } from './new-document.ts'
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
): Promise<ListedVersion[]> {
  const document = await readableDocument(deps, caller, documentId)
  return versionsOf(deps.database, document.id)
}

export function headVersion(
  { database }: Pick<Deps, 'database'>,
  document: DocumentRow,
): Promise<VersionRow> {
  return versionById(database, document.head_version_id)
}

/**
 * While typed text is waited for, a version may be given up by age, or a save may have put other bytes
 * into a draft; those it had are kept for a while.
 *
 * @throws Problem `version-not-found`; `precondition-failed`: they are about to be deleted
 */
export async function demandThere(tx: Tx, { id, sha256 }: VersionRow): Promise<void> {
  if ((await findVersion(tx, id)) === undefined) throw new Problem('version-not-found')
  if ((await mentionedAmong(tx, [sha256])).size === 0)
    throw new Problem('precondition-failed', 'a save has just put other content into this version')
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
 * Names a version, or takes its name away: a labelled one is never deleted by age.
 *
 * @throws Problem `permission-missing`, `document-not-found`, `version-not-found`
 */
export async function labelVersion(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  { documentId, versionId, label }: { documentId: string; versionId: string; label: string | null },
): Promise<{ version: VersionRow; document: DocumentRow }> {
  demand(caller, 'documents:write')
  const document = await documentFor(deps, caller, documentId)
  const { number } = await versionOf(deps, document, versionId)
  const version = await deps.database.transaction().execute(async (tx) => {
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId,
      actor: authorOf(caller),
      action: 'labelled',
      at: deps.clock().toISOString(),
      detail: { versionNumber: number, label },
    })
    return label === null ? updateVersion(tx, versionId, { label }) : giveLabel(tx, versionId, label)
  })
  return { version, document }
}

/** What somebody has named never changes: its session's next save makes another version. */
export async function giveLabel(tx: Tx, versionId: string, label: string): Promise<VersionRow> {
  const version = await versionById(tx, versionId)
  await detachVersion(tx, version)
  return updateVersion(tx, versionId, { label, kind: version.kind === 'draft' ? 'cut' : version.kind })
}

/**
 * Makes an earlier version the head again: one new version with the same blob, no bytes move.
 *
 * @param also done in the same transaction
 * @throws Problem `permission-missing`, `document-not-found`, `version-not-found`, `precondition-failed` (a
 *   save has just changed it)
 */
export async function restoreVersion(
  deps: HeadDeps,
  caller: Caller,
  {
    documentId,
    versionId,
    also,
  }: { documentId: string; versionId: string; also?: (tx: Tx) => Promise<unknown> },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const document = await documentFor(deps, caller, documentId)
  const source = await versionOf(deps, document, versionId)
  await replaceHead(deps, document, {
    kind: 'restored',
    blob: { sha256: source.sha256, size: source.size },
    fileType: source.file_type,
    author: authorOf(caller),
    description: `Restored from version ${source.number}`,
    jsonSha256: source.json_sha256,
    async also(tx) {
      await demandThere(tx, source)
      await also?.(tx)
    },
    activity: { action: 'restored', detail: { fromVersionNumber: source.number } },
  })
  return documentFor(deps, caller, documentId)
}

export type Conditions = {
  /** Replaces the content although somebody edits it. */
  force: boolean
  /** `If-Match` of the request. */
  ifMatch: string | undefined
}

/** As downloads have it. */
async function contentEtagOf(db: Deps['database'] | Tx, document: DocumentRow): Promise<string> {
  const { sha256 } = await versionById(db, document.head_version_id)
  return `"${sha256}"`
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
  { force, ifMatch }: Conditions,
): Promise<void> {
  demand(caller, 'documents:write')
  const document = await documentFor(deps, caller, documentId)
  demandMatch(ifMatch, await contentEtagOf(deps.database, document))
  if (!force) await demandNotEdited(deps, documentId)
}

/** Source: RFC 9110 §13.1.1, If-Match. @throws Problem `precondition-failed` */
export function demandMatch(ifMatch: string | undefined, etag: string): void {
  const isKnown =
    ifMatch === undefined || ifMatch.trim() === '*' || ifMatch.split(',').some((one) => one.trim() === etag)
  if (!isKnown) throw new Problem('precondition-failed')
}

/** @throws Problem `document-being-edited` */
export async function demandNotEdited(
  { database }: Pick<Deps, 'database'>,
  documentId: string,
): Promise<void> {
  const session = await currentSession(database, documentId)
  if (session === undefined || editorsOf(session).length === 0) return
  throw new Problem(
    'document-being-edited',
    'add force=true to replace it all the same: what is typed is kept as a version',
  )
}

/**
 * Adds a version from uploaded bytes of the document's own type and makes it the head.
 *
 * @throws Problem `permission-missing`, `document-not-found`, `precondition-failed` and all of `putUpload`
 */
export async function addContent(
  deps: HeadDeps,
  caller: Caller,
  { documentId, bytes, force, ifMatch }: Conditions & { documentId: string; bytes: Readable },
): Promise<VersionRow> {
  demand(caller, 'documents:write')
  const document = await documentFor(deps, caller, documentId)
  const blob = await putUpload(deps, bytes, document.file_type)
  return replaceHead(deps, document, {
    kind: 'upload',
    blob,
    fileType: document.file_type,
    author: authorOf(caller),
    // An upload takes its time. Forced, what is typed meanwhile is saved before and moves the head.
    also: async (tx, current) => force || demandMatch(ifMatch, await contentEtagOf(tx, current)),
    activity: { action: 'content-replaced' },
  })
}
