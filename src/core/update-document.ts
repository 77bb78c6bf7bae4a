import { createHash, randomUUIDv7 } from 'node:crypto'
import { Problem } from '../errors.ts'
import {
  findDocument,
  nextVersionNumber,
  setHead,
  updateDocument as updateRow,
} from '../metadata/documents.ts'
import type { DocumentRow, Tx } from '../metadata/schema.ts'
import { currentSession, updateSession } from '../metadata/sessions.ts'
import { insertVersion, updateVersion, versionById } from '../metadata/versions.ts'
import { recordActivity } from './activity.ts'
import { authorOf, type Caller, demand, workspaceOf } from './callers.ts'
import type { Deps } from './deps.ts'
import { documentFor } from './documents.ts'
import { type JsonDeps, storeJson } from './json-version.ts'
import { newKey } from './keys.ts'
import { replaceHead } from './new-head.ts'
import { foldedTitle, storableTitle, withoutExtension } from './titles.ts'
import { type Conditions, demandMatch, demandNotEdited, demandThere, headVersion } from './versions.ts'

export type DocumentUpdate = {
  title?: string | undefined
  /** Editor JSON as text, kept with its version as given. */
  jsonContent?: string | undefined
  /** Normalized. */
  folder?: string | undefined
  externalId?: string | null | undefined
  /** In place of what is there. */
  metadata?: Record<string, string | number | boolean> | undefined
}

type UpdateDeps = JsonDeps & Pick<Deps, 'clock' | 'keyPrefix' | 'docServer' | 'events' | 'log'>

/** Changes with whatever clients can see of a document. Source: RFC 9110 §8.8.3. */
export function etagOf(document: DocumentRow): string {
  const { head_version_id, updated_at, title, folder, external_id, metadata } = document
  const seen = JSON.stringify([head_version_id, updated_at, title, folder, external_id, metadata])
  return `"${createHash('sha256').update(seen).digest('base64url').slice(0, 22)}"`
}

/**
 * Changes what is given, all of it or nothing. A new title or JSON content is one version, both
 * together too; a new place is none.
 *
 * Source: Nuto Office API, Update document: each update is one version.
 *
 * @throws Problem `document-not-found`, `permission-missing`, `precondition-failed`; with `jsonContent` also
 *   `document-being-edited`, `json-content-invalid`, `conversion-unavailable`, `conversion-failed`
 */
export async function updateDocument(
  deps: UpdateDeps,
  caller: Caller,
  {
    documentId,
    ifMatch,
    force = false,
    ...update
  }: DocumentUpdate & Partial<Conditions> & { documentId: string },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  if (update.jsonContent !== undefined) {
    await replaceByJson(deps, caller, { documentId, ifMatch, force, update, json: update.jsonContent })
    return documentFor(deps, caller, documentId)
  }
  const now = deps.clock().toISOString()
  const { document, key } = await deps.database.transaction().execute(async (tx) => {
    const found = await findDocument(tx, documentId, workspaceOf(caller))
    if (found === undefined) throw new Problem('document-not-found')
    demandMatch(ifMatch, etagOf(found))
    const key = update.title === undefined ? undefined : await addTitleVersion(tx, deps, caller, found, now)
    return { document: await applyUpdate(tx, caller, found, update, now), key }
  })
  if (key !== undefined) await tellEditors(deps, key, document)
  return document
}

async function replaceByJson(
  deps: UpdateDeps,
  caller: Caller,
  {
    documentId,
    ifMatch,
    force,
    update,
    json,
  }: Conditions & { documentId: string; update: DocumentUpdate; json: string },
): Promise<void> {
  const document = await documentFor(deps, caller, documentId)
  demandMatch(ifMatch, etagOf(document))
  if (!force) await demandNotEdited(deps, documentId)
  const head = await headVersion(deps, document)
  const { blob, jsonSha256 } = await storeJson(deps, {
    json,
    document: { ...document, title: update.title ?? document.title },
    head,
  })
  const now = deps.clock().toISOString()
  await replaceHead(deps, document, {
    kind: 'json',
    blob,
    jsonSha256,
    fileType: document.file_type,
    author: authorOf(caller),
    description: 'Content given as JSON',
    also: async (tx, current) => {
      // Making the file takes its time. Forced, what is typed meanwhile is saved before and moves the head.
      if (!force) demandMatch(ifMatch, etagOf(current))
      if (blob.sha256 === head.sha256) await demandThere(tx, head)
      await applyUpdate(tx, caller, current, update, now)
    },
    activity: { action: 'content-replaced', detail: { by: 'json' } },
  })
}

/**
 * A version that records a new title, with the same blob: the session and its key go on, and a
 * draft becomes an ordinary version so that numbers and time keep one order.
 *
 * @returns the key of the session whose editors show the old title
 */
async function addTitleVersion(
  tx: Tx,
  { keyPrefix }: Pick<Deps, 'keyPrefix'>,
  caller: Caller,
  document: DocumentRow,
  now: string,
): Promise<string | undefined> {
  const session = await currentSession(tx, document.id)
  if (session?.draft_version_id) {
    await updateVersion(tx, session.draft_version_id, { kind: 'cut' })
    await updateSession(tx, session.key, { draft_version_id: null })
  }
  const { sha256, size, file_type, json_sha256 } = await versionById(tx, document.head_version_id)
  const author = authorOf(caller)
  const version = await insertVersion(tx, {
    id: randomUUIDv7(),
    document_id: document.id,
    number: await nextVersionNumber(tx, document.id),
    kind: 'renamed',
    key: newKey(keyPrefix),
    sha256,
    size,
    file_type,
    json_sha256,
    author_id: author.id,
    author_name: author.name,
    description: `Renamed from “${document.title}”`,
    created_at: now,
    updated_at: now,
  })
  await setHead(tx, version, now)
  return session?.key
}

async function applyUpdate(
  tx: Tx,
  caller: Caller,
  document: DocumentRow,
  { title, folder, externalId, metadata }: DocumentUpdate,
  now: string,
): Promise<DocumentRow> {
  const newTitle = title && withoutExtension(storableTitle(title), document.file_type)
  const about = {
    workspaceId: document.workspace_id,
    documentId: document.id,
    actor: authorOf(caller),
    at: now,
  }
  if (newTitle !== undefined) {
    const detail = { from: document.title, to: newTitle }
    await recordActivity(tx, { ...about, action: 'renamed', detail })
  }
  if (folder !== undefined && folder !== document.folder) {
    await recordActivity(tx, { ...about, action: 'moved', detail: { from: document.folder, to: folder } })
  }
  if (externalId !== undefined || metadata !== undefined)
    await recordActivity(tx, { ...about, action: 'changed' })
  return updateRow(tx, document.id, {
    ...(newTitle === undefined ? {} : { title: newTitle, folded_title: foldedTitle(newTitle) }),
    ...(folder === undefined ? {} : { folder }),
    ...(externalId === undefined ? {} : { external_id: externalId }),
    ...(metadata === undefined ? {} : { metadata: JSON.stringify(metadata) }),
    updated_at: now,
  })
}

async function tellEditors(
  { docServer, log }: Pick<Deps, 'docServer' | 'log'>,
  key: string,
  { title, file_type }: DocumentRow,
): Promise<void> {
  await docServer
    ?.rename(key, `${title}.${file_type}`)
    .catch((error: unknown) => log.warn({ err: error, key }, 'open editors show the old title'))
}
