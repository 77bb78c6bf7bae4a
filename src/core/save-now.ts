import { randomUUIDv7 } from 'node:crypto'
import { Problem } from '../errors.ts'
import type { VersionRow } from '../metadata/schema.ts'
import { currentSession } from '../metadata/sessions.ts'
import { versionById } from '../metadata/versions.ts'
import { type Caller, demand } from './callers.ts'
import type { Deps } from './deps.ts'
import { readableDocument } from './documents.ts'
import type { SaveStored } from './events.ts'
import { API_SAVE_MARK } from './saves.ts'

export type SavedNow = {
  /** `saved`: the editor's state of now is in the version; `unchanged`: it was already. */
  outcome: 'saved' | 'unchanged'
  version: VersionRow
}

/**
 * Has the editor's state stored as a version of its own and waits for it.
 *
 * Document Server answers 4 when it has nothing new: then the head holds what it has. Text that a
 * tab in strict mode has not handed over is in neither.
 *
 * @throws Problem `document-not-found`, `permission-missing`, `document-server-missing`,
 *   `document-server-failed`; `save-not-arrived` after `waitS`
 */
export async function saveNow(
  deps: Pick<Deps, 'database' | 'docServer' | 'events'>,
  caller: Caller,
  { documentId, waitS }: { documentId: string; waitS: number },
): Promise<SavedNow> {
  demand(caller, 'documents:write')
  const document = await readableDocument(deps, caller, documentId)
  const head = () => versionById(deps.database, document.head_version_id)
  const session = await currentSession(deps.database, document.id)
  if (session === undefined) return { outcome: 'unchanged', version: await head() }
  if (deps.docServer === undefined) throw new Problem('document-server-missing')

  const userdata = `${API_SAVE_MARK}${randomUUIDv7()}`
  const { promise: stored, resolve } = Promise.withResolvers<SaveStored | undefined>()
  // A save that was refused before is sent again with its old mark: any save from now on is as new.
  const unsubscribe = deps.events.onSaveStored(session.key, resolve)
  const timer = setTimeout(resolve, waitS * 1000, undefined)
  try {
    const answer = await deps.docServer.forcesave(session.key, userdata)
    // 4: nothing new; 1: nobody has it open.
    if (answer === 4 || answer === 1) return { outcome: 'unchanged', version: await head() }
    if (answer !== 0) throw new Problem('document-server-failed', `forced save answered ${answer}`)
    const save = await stored
    if (save === undefined) throw new Problem('save-not-arrived', `no save arrived within ${waitS} s`)
    const { head_version_id } = await readableDocument(deps, caller, documentId)
    return { outcome: 'saved', version: await versionById(deps.database, save.versionId ?? head_version_id) }
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}
