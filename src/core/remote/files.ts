import { isProblem, Problem } from '../../errors.ts'
import { endLinksOfKey } from '../../metadata/links.ts'
import {
  findRemoteFile,
  insertRemoteFile,
  listRemoteFiles as listRows,
  remoteFileOfKey,
  updateRemoteFile,
} from '../../metadata/remote-files.ts'
import type { DocumentRow, RemoteFileRow, RemoteState } from '../../metadata/schema.ts'
import { recordActivity } from '../activity.ts'
import { authorOf, type Caller, demand } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { documentFor, undeleteDocument } from '../documents.ts'
import { writtenETag } from '../etag.ts'
import { storableFormat } from '../fetch-from-editor.ts'
import type { Held } from '../locks.ts'
import { addDocumentIn } from '../new-document.ts'
import { afterSeconds } from '../sessions.ts'
import { GRANTS, type Grant } from '../sharing/grants.ts'
import { createLink, type Link } from '../sharing/links.ts'
import type { SharedUser, SharingOptions } from '../sharing/options.ts'
import { splitFileName, withoutExtension } from '../titles.ts'
import { updateDocument } from '../update-document.ts'
import { fetchRemote, type ReadDeps } from './content.ts'
import { bringUpToDate } from './refresh.ts'
import { fileSecret } from './signature.ts'

/** Of a page address: it is made for one opening. */
const ADDRESS_S = 86_400
const READING: readonly Grant[] = ['view', 'download', 'print', 'copy']
const EDITING: readonly Grant[] = GRANTS.filter((grant) => grant !== 'protect')

type LinkDeps = ReadDeps & Parameters<typeof updateDocument>[0] & Pick<Deps, 'locks' | 'addressSeal'>

/** Somebody's file that is to be opened here. */
export type LinkedFile = {
  /** Where it is read. */
  url: string
  /** With its extension. */
  name: string
  /** What its owner calls it, for ever. */
  key: string
  /** Of the bytes, as the owner knows it. */
  etag?: string | undefined
  /** Absent: it is opened for reading. */
  writeBack?: { url: string; method: 'PUT' | 'webhook' } | undefined
  user: SharedUser
  grants?: Grant[] | undefined
  options: SharingOptions
  /** Of the address. ISO 8601, UTC. */
  expiresAt?: string | undefined
  /** Normalized; for the document that is made at the first time. */
  folder: string
}

/** A client of the API: each file belongs to the key that links it. @throws Problem `permission-missing` */
function clientOf(caller: Caller): Caller & { kind: 'client' } {
  demand(caller, 'documents:write')
  if (caller.kind === 'client') return caller
  throw new Problem('permission-missing', 'files are linked by an API key, not by the administrator')
}

/**
 * Opens a file of another program: the first time it is fetched and becomes a document; later the document
 * takes what was changed there, unless somebody edits it here or edits are still to be delivered.
 *
 * @param resourceId of the document, if it is made
 * @returns a link for one user
 * @throws Problem `permission-missing`, `remote-origin-refused`, `remote-file-unreadable`,
 *   `extension-not-storable`, `content-mismatch`, `upload-empty`, `upload-too-large`, `storage-unavailable`,
 *   `validation-failed` (the extension is not that of the key's file)
 */
export async function linkFile(
  deps: LinkDeps,
  caller: Caller,
  file: LinkedFile,
  resourceId: string,
): Promise<Link> {
  const client = clientOf(caller)
  const { extension } = splitFileName(file.name)
  storableFormat(extension)
  deps.remoteFiles.demandAllowed(file.url)
  if (file.writeBack !== undefined) deps.remoteFiles.demandAllowed(file.writeBack.url)

  const row = await deps.locks.run(`remote ${client.id} ${file.key}`, async (held) => {
    const known = await remoteFileOfKey(deps.database, { apiKeyId: client.id, name: file.key })
    if (known === undefined)
      return makeDocument(deps, client, { ...file, extension }, { id: resourceId, held })
    return reopen(deps, client, known, { ...file, extension })
  })
  const most = file.writeBack === undefined ? READING : EDITING
  return createLink(deps, client, {
    documentId: row.document_id,
    grants: (file.grants ?? most).filter((grant) => file.writeBack !== undefined || READING.includes(grant)),
    user: file.user,
    options: file.options,
    expiresAt: file.expiresAt ?? afterSeconds(deps.clock(), ADDRESS_S),
  })
}

type KnownType = LinkedFile & { extension: string }

async function makeDocument(
  deps: LinkDeps,
  client: Caller & { kind: 'client' },
  { url, name, key, extension, writeBack, folder, ...file }: KnownType,
  { id, held }: { id: string; held: Held },
): Promise<RemoteFileRow> {
  const found = await fetchRemote(deps, { apiKeyId: client.id, url, fileType: extension })
  if (found === 'unchanged') throw new Error('nothing was known of this file')
  const now = deps.clock().toISOString()
  return deps.database.transaction().execute(async (tx) => {
    await held.demand(tx)
    const document = await addDocumentIn(tx, deps, client, {
      title: splitFileName(name).title,
      fileType: extension,
      blob: found.blob,
      kind: 'upload',
      action: 'linked',
      place: { id, folder, externalId: key },
    })
    return insertRemoteFile(tx, {
      document_id: document.id,
      api_key_id: client.id,
      name_key: key,
      ...addressesOf(deps, { url, writeBack }),
      file_type: extension,
      sha256: found.blob.sha256,
      etag: found.etag ?? writtenETag(file.etag) ?? null,
      unanswered: '[]',
      state: 'current',
      attempts: 0,
      created_at: now,
      updated_at: now,
    })
  })
}

/** Given again, the address to write to may have changed; left out, it stays. */
function addressesOf(
  { addressSeal }: Pick<Deps, 'addressSeal'>,
  { url, writeBack }: Pick<LinkedFile, 'url' | 'writeBack'>,
) {
  return {
    read_url: addressSeal.close(url),
    ...(writeBack === undefined
      ? {}
      : { write_url: addressSeal.close(writeBack.url), write_method: writeBack.method }),
  }
}

async function reopen(
  deps: LinkDeps,
  client: Caller & { kind: 'client' },
  known: RemoteFileRow,
  file: KnownType,
): Promise<RemoteFileRow> {
  if (file.extension !== known.file_type) {
    throw new Problem('validation-failed', undefined, {
      errors: { name: [`the file of this key has the extension .${known.file_type}`] },
    })
  }
  const document = await presentDocument(deps, client, known)
  // Fresh addresses are tried at once: old ones may be what a delivery waits for.
  const now = deps.clock().toISOString()
  const row = await updateRemoteFile(deps.database, known.document_id, {
    ...addressesOf(deps, file),
    ended_at: null,
    ...(known.state === 'waiting' || known.state === 'failed'
      ? { state: 'waiting', attempts: 0, waiting_since: now, next_attempt_at: now }
      : {}),
  })
  await bringUpToDate(deps, client, { row, document, etag: writtenETag(file.etag) })
  const title = withoutExtension(splitFileName(file.name).title, file.extension)
  if (title !== document.title) await updateDocument(deps, client, { documentId: document.id, title })
  return row
}

/** Out of the trash, if it was put there. */
async function presentDocument(
  deps: LinkDeps,
  client: Caller,
  { document_id: id }: RemoteFileRow,
): Promise<DocumentRow> {
  try {
    return await documentFor(deps, client, id)
  } catch (error) {
    if (!isProblem(error, 'document-not-found')) throw error
    return undeleteDocument(deps, client, id)
  }
}

/** The latest change first: a client's own, or all for the administrator. @throws Problem `permission-missing` */
export async function listRemoteFiles(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  part: { state: RemoteState | undefined; skip: number; take: number },
): Promise<RemoteFileRow[]> {
  demand(caller, 'documents:write')
  return listRows(database, { apiKeyId: ownerOf(caller), ...part })
}

/** Undefined: those of all keys. */
function ownerOf(caller: Caller): string | undefined {
  return caller.kind === 'administrator' ? undefined : caller.id
}

/** For checking what we send. @throws Problem `permission-missing` */
export function secretOfFiles(deps: Pick<Deps, 'webhookSecret'>, caller: Caller): string {
  return fileSecret(deps, clientOf(caller).id)
}

/** Delivers at once what was given up or waits. @throws Problem `link-not-found`, also for another key's; `permission-missing` */
export async function retryDelivery(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  documentId: string,
): Promise<RemoteFileRow> {
  const row = await remoteFileFor(deps, caller, documentId)
  const now = deps.clock().toISOString()
  return updateRemoteFile(deps.database, row.document_id, {
    state: 'waiting',
    attempts: 0,
    waiting_since: now,
    next_attempt_at: now,
    updated_at: now,
  })
}

/**
 * Forgets a file: its addresses end, and once the last save is delivered the document goes to the trash.
 *
 * @throws as `retryDelivery`
 */
export async function unlinkFile(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  documentId: string,
): Promise<void> {
  const row = await remoteFileFor(deps, caller, documentId)
  const document = await documentFor(deps, caller, documentId).catch(() => undefined)
  const now = deps.clock().toISOString()
  await deps.database.transaction().execute(async (tx) => {
    await endLinksOfKey(tx, { documentId, apiKeyId: row.api_key_id, now })
    await updateRemoteFile(tx, documentId, { ended_at: now, next_attempt_at: now, updated_at: now })
    if (document === undefined) return
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId,
      actor: authorOf(caller),
      action: 'unlinked',
      at: now,
      detail: { fileKey: row.name_key },
    })
  })
}

async function remoteFileFor(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
): Promise<RemoteFileRow> {
  demand(caller, 'documents:write')
  const row = await findRemoteFile(database, documentId, ownerOf(caller))
  if (row === undefined) throw new Problem('link-not-found', 'no file is linked to this document')
  return row
}
