import { randomUUIDv7 } from 'node:crypto'
import { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import { documentById, findDocument, findTrashed, insertDocument } from '../metadata/documents.ts'
import { DEFAULT_WORKSPACE_ID, type DocumentRow, type Tx, type VersionKind } from '../metadata/schema.ts'
import { insertVersion, versionById } from '../metadata/versions.ts'
import { type Action, recordActivity } from './activity.ts'
import { type BlankFormat, blankFile } from './blank-files.ts'
import { authorOf, type Caller, demand, workspaceOf } from './callers.ts'
import { checkContent } from './content-type.ts'
import type { Deps } from './deps.ts'
import { documentFor } from './documents.ts'
import { canOpen, formatOf, isPlainText } from './formats.ts'
import { newKey } from './keys.ts'
import type { BlobRef } from './ports.ts'
import { templateFile, templateOf } from './templates.ts'
import { foldedTitle, splitFileName, storableTitle, withoutExtension } from './titles.ts'

type DocumentDeps = Pick<Deps, 'database' | 'blobs' | 'config' | 'clock' | 'keyPrefix'>

/** Where a new document lies and what its owner knows it by. */
export type Place = {
  /** Of the document; a request that is sent again names the same one and makes nothing new. */
  id?: string | undefined
  /** Normalized. */
  folder?: string | undefined
  externalId?: string | undefined
  metadata?: Record<string, string | number | boolean> | undefined
}

/** A new document with a real blank file. @throws Problem `permission-missing`, `storage-unavailable` */
export async function createDocument(
  deps: DocumentDeps,
  caller: Caller,
  { title, fileType, ...place }: Place & { title: string; fileType: BlankFormat },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const bytes = await blankFile(fileType, title)
  return createFrom(deps, caller, { title, fileType, bytes, place })
}

/**
 * A new document from a template.
 *
 * @param title the template's own if absent
 * @throws Problem `permission-missing`, `template-not-found`, `storage-unavailable`
 */
export async function createFromTemplate(
  deps: DocumentDeps,
  caller: Caller,
  { templateId, title, ...place }: Place & { templateId: string; title?: string | undefined },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const template = templateOf(templateId)
  if (template === undefined) throw new Problem('template-not-found', `there is no template ${templateId}`)
  const wanted = title ?? template.title
  const bytes = await templateFile(template.id, wanted)
  return createFrom(deps, caller, { title: wanted, fileType: template.extension, bytes, place })
}

async function createFrom(
  deps: DocumentDeps,
  caller: Caller,
  { title, fileType, bytes, place }: { title: string; fileType: string; bytes: Buffer; place: Place },
): Promise<DocumentRow> {
  const blob = await deps.blobs.put(Readable.from([bytes]), { maxBytes: deps.config.MAX_FILE_BYTES })
  return addDocument(deps, caller, {
    title: withoutExtension(title, fileType),
    fileType,
    blob,
    kind: 'created',
    action: 'created',
    place,
  })
}

/**
 * A new document from an uploaded file; type and title come from its name, and the bytes must match.
 *
 * @throws Problem `permission-missing`, `extension-not-storable`, `content-mismatch`, `upload-empty`,
 *   `upload-too-large`, `storage-unavailable`
 */
export async function uploadDocument(
  deps: DocumentDeps,
  caller: Caller,
  { fileName, bytes, ...place }: Place & { fileName: string; bytes: Readable },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const { title, extension } = splitFileName(fileName)
  const blob = await putUpload(deps, bytes, extension)
  return addDocument(deps, caller, {
    title,
    fileType: extension,
    blob,
    kind: 'upload',
    action: 'uploaded',
    place,
  })
}

/** Stores uploaded bytes that must be what their extension says. @throws Problem as `uploadDocument` */
export async function putUpload(
  { blobs, config }: Pick<Deps, 'blobs' | 'config'>,
  bytes: Readable,
  extension: string,
): Promise<BlobRef> {
  const format = formatOf(extension)
  if (format === undefined || !canOpen(format)) {
    bytes.destroy()
    throw new Problem(
      'extension-not-storable',
      `files named .${extension.slice(0, 20)} cannot be opened in the editor`,
    )
  }
  return blobs.put(bytes, {
    maxBytes: config.MAX_FILE_BYTES,
    inspect: async (staged) => {
      if (staged.size === 0 && !isPlainText(extension)) throw new Problem('upload-empty')
      await checkContent(staged, extension, 'exact')
    },
  })
}

/**
 * A new document with the content that another one has now; no bytes move.
 *
 * @param title that of the source with `(copy)` behind it if absent
 * @throws Problem `permission-missing`, `document-not-found`
 */
export async function copyDocument(
  deps: DocumentDeps,
  caller: Caller,
  { documentId, title, ...place }: Place & { documentId: string; title?: string | undefined },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const source = await documentFor(deps, caller, documentId)
  return deps.database.transaction().execute(async (tx) => {
    // As it is now: a save may have moved it.
    const { head_version_id: headId } = await documentById(tx, source.id)
    const head = await versionById(tx, headId)
    return addDocumentIn(tx, deps, caller, {
      title: withoutExtension(title ?? `${source.title} (copy)`, head.file_type),
      fileType: head.file_type,
      blob: { sha256: head.sha256, size: head.size },
      jsonSha256: head.json_sha256,
      kind: 'created',
      action: 'copied',
      workspaceId: source.workspace_id,
      description: `Copied from “${source.title}”`,
      place: {
        ...place,
        folder: place.folder ?? source.folder,
        metadata: place.metadata ?? JSON.parse(source.metadata),
      },
    })
  })
}

/** A new document beside another one, from what it was converted to; the other one stays. @throws Problem `permission-missing` */
export async function addConverted(
  deps: DocumentDeps,
  caller: Caller,
  { document, converted }: { document: DocumentRow; converted: BlobRef & { extension: string } },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  return addDocument(deps, caller, {
    title: document.title,
    fileType: converted.extension,
    blob: converted,
    kind: 'created',
    action: 'created',
    workspaceId: document.workspace_id,
    description: `Converted from “${document.title}.${document.file_type}”`,
    place: { folder: document.folder, metadata: JSON.parse(document.metadata) },
  })
}

type NewDocument = {
  title: string
  fileType: string
  blob: BlobRef
  jsonSha256?: string | null
  kind: Extract<VersionKind, 'created' | 'upload'>
  action: Action
  workspaceId?: string
  description?: string
  place: Place
}

/** A document whose bytes are durable and looked at already. */
export async function addDocument(
  deps: DocumentDeps,
  caller: Caller,
  wanted: NewDocument,
): Promise<DocumentRow> {
  return deps.database.transaction().execute((tx) => addDocumentIn(tx, deps, caller, wanted))
}

/** The same inside the caller's transaction. */
export async function addDocumentIn(
  tx: Tx,
  { clock, keyPrefix }: Pick<Deps, 'clock' | 'keyPrefix'>,
  caller: Caller,
  { title, fileType, blob, jsonSha256, kind, action, description, place, ...given }: NewDocument,
): Promise<DocumentRow> {
  const now = clock().toISOString()
  const author = authorOf(caller)
  const id = place.id ?? randomUUIDv7()
  const versionId = randomUUIDv7()
  const workspaceId = given.workspaceId ?? workspaceOf(caller) ?? DEFAULT_WORKSPACE_ID
  const made = (await findDocument(tx, id, workspaceId)) ?? (await findTrashed(tx, id, workspaceId))
  if (made !== undefined) return made
  const document = await insertDocument(tx, {
    id,
    workspace_id: workspaceId,
    title: storableTitle(title),
    folded_title: foldedTitle(storableTitle(title)),
    file_type: fileType,
    head_version_id: versionId,
    last_version_number: 1,
    size: blob.size,
    folder: place.folder ?? '/',
    external_id: place.externalId ?? null,
    metadata: JSON.stringify(place.metadata ?? {}),
    created_by: author.id,
    created_at: now,
    updated_at: now,
    deleted_at: null,
  })
  await insertVersion(tx, {
    id: versionId,
    document_id: document.id,
    number: 1,
    kind,
    key: newKey(keyPrefix),
    sha256: blob.sha256,
    size: blob.size,
    file_type: fileType,
    json_sha256: jsonSha256 ?? null,
    author_id: author.id,
    author_name: author.name,
    description: description ?? null,
    created_at: now,
    updated_at: now,
  })
  await recordActivity(tx, {
    workspaceId,
    documentId: document.id,
    actor: author,
    action,
    at: now,
    detail: { title: document.title },
  })
  return document
}
