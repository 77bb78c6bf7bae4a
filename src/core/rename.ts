import { randomUUIDv7 } from 'node:crypto'
import { Problem } from '../errors.ts'
import { findDocument, nextVersionNumber, setHead, updateDocument } from '../metadata/documents.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import { currentSession, updateSession } from '../metadata/sessions.ts'
import { insertVersion, updateVersion, versionById } from '../metadata/versions.ts'
import { authorOf, type Caller, demand, workspaceOf } from './callers.ts'
import type { Deps } from './deps.ts'
import { newKey } from './keys.ts'
import { foldedTitle, storableTitle, withoutExtension } from './titles.ts'

/**
 * Gives a document another title. A version records it, with the same blob; the session and its key
 * go on, and a draft becomes an ordinary version so that numbers and time keep one order. Open
 * editors are told by Document Server.
 *
 * Source: Nuto Office API, Update document: each update is one version.
 *
 * @throws Problem `document-not-found`, `permission-missing`
 */
export async function renameDocument(
  deps: Pick<Deps, 'database' | 'clock' | 'keyPrefix' | 'docServer' | 'log'>,
  caller: Caller,
  { documentId, title }: { documentId: string; title: string },
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  const now = deps.clock().toISOString()
  const { document, key } = await deps.database.transaction().execute(async (tx) => {
    const found = await findDocument(tx, documentId, workspaceOf(caller))
    if (found === undefined) throw new Problem('document-not-found')
    const session = await currentSession(tx, documentId)
    if (session?.draft_version_id) {
      await updateVersion(tx, session.draft_version_id, { kind: 'cut' })
      await updateSession(tx, session.key, { draft_version_id: null })
    }
    const head = await versionById(tx, found.head_version_id)
    const newTitle = withoutExtension(storableTitle(title), found.file_type)
    const author = authorOf(caller)
    const version = await insertVersion(tx, {
      id: randomUUIDv7(),
      document_id: documentId,
      number: await nextVersionNumber(tx, documentId),
      kind: 'renamed',
      key: newKey(deps.keyPrefix),
      sha256: head.sha256,
      size: head.size,
      file_type: head.file_type,
      author_id: author.id,
      author_name: author.name,
      description: `Renamed from “${found.title}”`,
      created_at: now,
      updated_at: now,
    })
    await updateDocument(tx, documentId, { title: newTitle, folded_title: foldedTitle(newTitle) })
    await setHead(tx, version, now)
    return {
      document: { ...found, title: newTitle, updated_at: now, head_version_id: version.id },
      key: session?.key,
    }
  })
  if (key !== undefined) await tellEditors(deps, key, document)
  return document
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
