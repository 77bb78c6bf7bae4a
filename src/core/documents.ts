import { Problem } from '../errors.ts'
import { findDocument, findTrashed, updateDocument } from '../metadata/documents.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import { recordActivity } from './activity.ts'
import { authorOf, type Caller, demand, workspaceOf } from './callers.ts'
import type { Deps } from './deps.ts'

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

/** @throws Problem `document-not-found`, `permission-missing` */
export async function writableDocument(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  documentId: string,
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  return documentFor(deps, caller, documentId)
}

/** Into the trash: everything is kept, saves still under way too. @throws Problem `document-not-found`, `permission-missing` */
export async function deleteDocument(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  documentId: string,
): Promise<void> {
  demand(caller, 'documents:write')
  const now = deps.clock().toISOString()
  await deps.database.transaction().execute(async (tx) => {
    const document = await findDocument(tx, documentId, workspaceOf(caller))
    if (document === undefined) throw new Problem('document-not-found')
    await updateDocument(tx, document.id, { deleted_at: now })
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId: document.id,
      actor: authorOf(caller),
      action: 'deleted',
      at: now,
      detail: { title: document.title },
    })
  })
}

/** Out of the trash, with all that was saved meanwhile. @throws Problem `document-not-found`, `permission-missing` */
export async function undeleteDocument(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  documentId: string,
): Promise<DocumentRow> {
  demand(caller, 'documents:write')
  return deps.database.transaction().execute(async (tx) => {
    const document = await findTrashed(tx, documentId, workspaceOf(caller))
    if (document === undefined) throw new Problem('document-not-found')
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId: document.id,
      actor: authorOf(caller),
      action: 'undeleted',
      at: deps.clock().toISOString(),
      detail: { title: document.title },
    })
    return updateDocument(tx, document.id, { deleted_at: null })
  })
}
