import { randomUUIDv7 } from 'node:crypto'
import { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import {
  type DocumentQuery,
  findDocument,
  findTrashed,
  insertDocument,
  listDocuments as listRows,
  updateDocument,
} from '../metadata/documents.ts'
import { DEFAULT_WORKSPACE_ID, type DocumentRow } from '../metadata/schema.ts'
import { insertVersion } from '../metadata/versions.ts'
import { type BlankFormat, blankFile } from './blank-files.ts'
import { authorOf, type Caller, demand, workspaceOf } from './callers.ts'
import { checkContent } from './content-type.ts'
import type { Deps } from './deps.ts'
import { canOpen, FORMATS, formatOf, isPlainText, type NutoType, nutoTypeOf } from './formats.ts'
import { newKey } from './keys.ts'
import type { BlobRef } from './ports.ts'
import { templateFile, templateOf } from './templates.ts'
import { foldedTitle, splitFileName, storableTitle, withoutExtension } from './titles.ts'

type DocumentDeps = Pick<Deps, 'database' | 'blobs' | 'config' | 'clock' | 'keyPrefix'>

/** A document of the caller's workspace. @throws Problem `document-not-found`, also for deleted and foreign ones */
export async function documentFor(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
): Promise<DocumentRow> {
  const document = await findDocument(database, documentId, workspaceOf(caller))
  if (document === undefined) throw new Problem('document-not-found')
  return document
}

/** @throws Problem `document-not-found`, `permission-missing` */
export async function readableDocument(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
): Promise<DocumentRow> {
  demand(caller, 'documents:read')
  return documentFor(deps, caller, documentId)
}

export type ListOptions = {
  type?: NutoType | undefined
  /** Free text, found in titles whatever its case and diacritics. */
  search?: string | undefined
  sortBy?: DocumentQuery['sortBy']
  isDescending?: boolean
  skip: number
  take: number
  /** The trash instead of the documents. */
  isDeleted?: boolean
}

/** Newest first, unless sorted otherwise. @throws Problem `permission-missing` */
export async function listDocuments(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  options: ListOptions,
) {
  demand(caller, 'documents:read')
  const { type, search, skip, take, sortBy = 'updated_at', isDescending = true, isDeleted = false } = options
  return listRows(database, {
    workspaceId: workspaceOf(caller),
    isDeleted,
    fileTypes:
      type && FORMATS.filter((format) => nutoTypeOf(format) === type).map(({ extension }) => extension),
    search: search === undefined || search === '' ? undefined : foldedTitle(search),
    sortBy,
    isDescending,
    skip,
    take,
  })
}

/** Into the trash: everything is kept, saves still under way too. @throws Problem `document-not-found`, `permission-missing` */
export async function deleteDocument(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  documentId: string,
): Promise<void> {
  demand(caller, 'documents:write')
  const deleted_at = deps.clock().toISOString()
  await deps.database.transaction().execute(async (tx) => {
    const document = await findDocument(tx, documentId, workspaceOf(caller))
    if (document === undefined) throw new Problem('document-not-found')
    await updateDocument(tx, document.id, { deleted_at })
  })
}

/** Out of the trash, with all that was saved meanwhile. @throws Problem `document-not-found`, `permission-missing` */
export async function undeleteDocument(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  return deps.database.transaction().execute(async (tx) => {
    const document = await findTrashed(tx, documentId, workspaceOf(caller))
    if (document === undefined) throw new Problem('document-not-found')
    await updateDocument(tx, document.id, { deleted_at: null })
    return { ...document, deleted_at: null }
  })
}

/** A new document with a real blank file. @throws Problem `permission-missing`, `storage-unavailable` */
export async function createDocument(
  deps: DocumentDeps,
  caller: Caller,
  { title, fileType }: { title: string; fileType: BlankFormat },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const bytes = await blankFile(fileType, title)
  return createFrom(deps, caller, { title, fileType, bytes })
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
  { templateId, title }: { templateId: string; title?: string | undefined },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const template = templateOf(templateId)
  if (template === undefined) throw new Problem('template-not-found', `there is no template ${templateId}`)
  const wanted = title ?? template.title
  const bytes = await templateFile(template.id, wanted)
  return createFrom(deps, caller, { title: wanted, fileType: template.extension, bytes })
}

async function createFrom(
  deps: DocumentDeps,
  caller: Caller,
  { title, fileType, bytes }: { title: string; fileType: string; bytes: Buffer },
): Promise<DocumentRow> {
  const blob = await deps.blobs.put(Readable.from([bytes]), { maxBytes: deps.config.MAX_FILE_BYTES })
  return insert(deps, caller, { title: withoutExtension(title, fileType), fileType, blob, kind: 'created' })
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
  { fileName, bytes }: { fileName: string; bytes: Readable },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const { title, extension } = splitFileName(fileName)
  const blob = await putUpload(deps, bytes, extension)
  return insert(deps, caller, { title, fileType: extension, blob, kind: 'upload' })
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

async function insert(
  { database, clock, keyPrefix }: DocumentDeps,
  caller: Caller,
  {
    title,
    fileType,
    blob,
    kind,
  }: { title: string; fileType: string; blob: BlobRef; kind: 'created' | 'upload' },
): Promise<DocumentRow> {
  const now = clock().toISOString()
  const author = authorOf(caller)
  const versionId = randomUUIDv7()
  const document: DocumentRow = {
    id: randomUUIDv7(),
    workspace_id: workspaceOf(caller) ?? DEFAULT_WORKSPACE_ID,
    title: storableTitle(title),
    folded_title: foldedTitle(storableTitle(title)),
    file_type: fileType,
    head_version_id: versionId,
    last_version_number: 1,
    size: blob.size,
    created_by: author.id,
    created_at: now,
    updated_at: now,
    deleted_at: null,
  }
  await database.transaction().execute(async (tx) => {
    await insertDocument(tx, document)
    await insertVersion(tx, {
      id: versionId,
      document_id: document.id,
      number: 1,
      kind,
      key: newKey(keyPrefix),
      sha256: blob.sha256,
      size: blob.size,
      file_type: fileType,
      author_id: author.id,
      author_name: author.name,
      created_at: now,
      updated_at: now,
    })
  })
  return document
}
