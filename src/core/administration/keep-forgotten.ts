import { Problem } from '../../errors.ts'
import { documentById, findDocument } from '../../metadata/documents.ts'
import { dropForgotten } from '../../metadata/forgotten.ts'
import { settleFailures } from '../../metadata/latest-saves.ts'
import { DEFAULT_WORKSPACE_ID, type DocumentRow } from '../../metadata/schema.ts'
import { sessionByKey } from '../../metadata/sessions.ts'
import { authorOf, type Caller, workspaceOf } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { fetchSave } from '../fetch-save.ts'
import { isOwnKey } from '../keys.ts'
import type { Held } from '../locks.ts'
import { addDocument } from '../new-document.ts'
import { replaceHead } from '../new-head.ts'
import type { BlobRef, DocServer } from '../ports.ts'
import { editingState } from '../presence.ts'
import type { KeptAs } from './keep-version.ts'

type KeepDeps = Pick<
  Deps,
  'database' | 'blobs' | 'config' | 'clock' | 'docServer' | 'events' | 'keyPrefix' | 'locks' | 'log'
>

export type KeptForgotten = {
  documentId: string
  /** Document Server has it no more: everything of it is here. */
  isDeleted: boolean
}

/**
 * Makes something of a forgotten file of Document Server. It is deleted there once its bytes are
 * durable here, unless somebody has opened the document again or the file has changed meanwhile.
 *
 * @param wanted.id of the document, if one is made
 * @throws Problem `key-unknown` (no such file, or `head` for one that no session has), `document-not-found`,
 *   `document-server-missing`, `document-server-failed`, `download-failed`, `download-refused`,
 *   `content-not-as-announced` (it is damaged), `storage-unavailable`
 */
export async function keepForgotten(
  deps: KeepDeps,
  caller: Caller,
  wanted: { key: string; as: KeptAs; title?: string | undefined; id: string },
): Promise<KeptForgotten> {
  const { docServer, keyPrefix } = deps
  if (docServer === undefined) throw new Problem('document-server-missing')
  if (!isOwnKey(keyPrefix, wanted.key)) throw new Problem('key-unknown', 'there is no such forgotten file')
  return deps.locks.run(wanted.key, (held) => keep(deps, docServer, caller, wanted, held))
}

async function keep(
  deps: KeepDeps,
  docServer: DocServer,
  caller: Caller,
  { key, as, title, id }: Parameters<typeof keepForgotten>[2],
  held: Held,
): Promise<KeptForgotten> {
  const url = await docServer.forgottenUrl(key)
  if (url === undefined) throw new Problem('key-unknown', 'there is no such forgotten file')
  const session = await sessionByKey(deps.database, key)
  const source = session && (await documentById(deps.database, session.document_id))
  const before = await docServer.head(url)
  const fileType = fileTypeOf(url) ?? source?.file_type ?? ''
  const blob = await fetchSave(deps, docServer, { url, fileType })
  const document =
    as === 'head'
      ? await asHead(deps, caller, source, { blob, fileType, held })
      : await asDocument(deps, caller, source, { blob, fileType, title, id })
  const isDeleted = await deleteIfUnchanged(deps, docServer, key, { before, held })
  return { documentId: document.id, isDeleted }
}

type Kept = { blob: BlobRef; fileType: string }

async function asHead(
  deps: KeepDeps,
  caller: Caller,
  source: DocumentRow | undefined,
  { blob, fileType, held }: Kept & { held: Held },
): Promise<DocumentRow> {
  if (source === undefined) throw new Problem('key-unknown', 'no document of ours belongs to this file')
  const document = await findDocument(deps.database, source.id, workspaceOf(caller))
  if (document === undefined) throw new Problem('document-not-found')
  await replaceHead(deps, document, {
    kind: 'restored',
    blob,
    fileType,
    author: authorOf(caller),
    description: 'Forgotten file of Document Server',
    also: (tx) => held.demand(tx),
    activity: { action: 'recovered' },
  })
  return document
}

function asDocument(
  deps: KeepDeps,
  caller: Caller,
  source: DocumentRow | undefined,
  { blob, fileType, title, id }: Kept & { title: string | undefined; id: string },
): Promise<DocumentRow> {
  const day = deps.clock().toISOString().slice(0, 10)
  return addDocument(deps, caller, {
    title: title ?? (source === undefined ? `Forgotten file of ${day}` : `${source.title} (recovered)`),
    fileType,
    blob,
    kind: 'created',
    action: 'recovered',
    workspaceId: source?.workspace_id ?? workspaceOf(caller) ?? DEFAULT_WORKSPACE_ID,
    description: 'Forgotten file of Document Server',
    place: { id, folder: source?.folder },
  })
}

async function deleteIfUnchanged(
  deps: KeepDeps,
  docServer: DocServer,
  key: string,
  { before, held }: { before: { size: number | undefined; lastModified: string | undefined }; held: Held },
): Promise<boolean> {
  try {
    if ((await editingState(deps, docServer, key)) !== 'over') return false
    const url = await docServer.forgottenUrl(key)
    const now = url && (await docServer.head(url))
    if (now && (now.size !== before.size || now.lastModified !== before.lastModified)) return false
    // A node that was paused since then must not delete what another one is bringing home.
    await deps.database.transaction().execute((tx) => held.demand(tx))
    if (now) await docServer.deleteForgotten(key)
    await dropForgotten(deps.database, key)
    // It held what earlier failed saves of the key would have brought.
    await deps.database.transaction().execute((tx) => settleFailures(tx, key))
    return true
  } catch (error) {
    deps.log.warn({ err: error, key }, 'forgotten file kept here and not deleted at Document Server')
    return false
  }
}

/** `…/forgotten/<key>/output.<ext>/output.<ext>` */
function fileTypeOf(url: string): string | undefined {
  return /\/output\.([a-z0-9]+)(?:\/|$)/i.exec(new URL(url, 'http://relative').pathname)?.[1]?.toLowerCase()
}
