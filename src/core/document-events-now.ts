import { findDocument } from '../metadata/documents.ts'
import { currentSession } from '../metadata/sessions.ts'
import type { Deps } from './deps.ts'
import type { DocumentEvent } from './events.ts'
import { saveStateOf } from './save-state.ts'
import { editorsOf } from './sessions.ts'

/** What pages of a document would have been told last; nothing when that cannot be seen now. */
export async function documentEventsNow(
  { database, log }: Pick<Deps, 'database' | 'log'>,
  documentId: string,
): Promise<DocumentEvent[]> {
  try {
    const document = await findDocument(database, documentId, undefined)
    if (document === undefined) return []
    const session = await currentSession(database, documentId)
    return [
      { type: 'save-state', ...(await saveStateOf({ database }, document)) },
      { type: 'users', users: session === undefined ? [] : editorsOf(session) },
    ]
  } catch (error) {
    log.warn({ err: error, document: documentId }, 'pages are not told how a document stands')
    return []
  }
}
