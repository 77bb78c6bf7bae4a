import { Problem } from '../../errors.ts'
import { failedSaves, settleFailures } from '../../metadata/latest-saves.ts'
import { isSaveInFlight } from '../../metadata/saves.ts'
import type { SaveRow } from '../../metadata/schema.ts'
import type { Caller } from '../callers.ts'
import type { Deps } from '../deps.ts'
import type { DocServer } from '../ports.ts'
import { editingState } from '../presence.ts'
import { afterSeconds, knownSession } from '../sessions.ts'
import { recordOperator } from './operator-activity.ts'

/** Document Server sends a save up to four times and waits ten minutes for each answer. */
const SENT_AGAIN_S = 3600

type ClearDeps = Pick<Deps, 'database' | 'clock' | 'docServer' | 'events' | 'locks'>

/**
 * Takes note that the edits of a key's failed saves are lost: they are not listed as at risk any more.
 * Only when nobody has their bytes; what somebody has is retried or kept first. Nothing is deleted:
 * should they arrive after all, they are stored as ever.
 *
 * @returns how many saves were cleared; 0 when none was at risk
 * @throws Problem `key-unknown`, `document-server-missing`, `document-server-failed`;
 *   `precondition-failed` while their bytes may still exist
 */
export async function clearSaves(deps: ClearDeps, caller: Caller, key: string): Promise<number> {
  const { database, docServer, clock, locks } = deps
  const { document_id: documentId } = await knownSession(database, key)
  if (docServer === undefined) throw new Problem('document-server-missing')
  return locks.run(key, async (held) => {
    const failed = await failedSaves(database, key)
    if (failed.length === 0) return 0
    const holder = await whoHasThem(deps, docServer, key, failed)
    if (holder !== undefined) throw new Problem('precondition-failed', holder)
    const at = clock().toISOString()
    return database.transaction().execute(async (tx) => {
      await held.demand(tx)
      const saves = await settleFailures(tx, key)
      const errors = [...new Set(failed.map(({ error }) => error))]
      await recordOperator(tx, caller, { documentId, action: 'save-cleared', at, detail: { saves, errors } })
      return saves
    })
  })
}

/** Who may still have the edits, and what brings them home; undefined: nobody. */
async function whoHasThem(
  { database, clock, events }: ClearDeps,
  docServer: DocServer,
  key: string,
  failed: SaveRow[],
): Promise<string | undefined> {
  if (await isSaveInFlight(database, key)) return 'a save is on its way'
  const sentSince = afterSeconds(clock(), -SENT_AGAIN_S)
  if (failed.some(({ finished_at, received_at }) => (finished_at ?? received_at) > sentSince))
    return 'Document Server may send it again until an hour has passed'
  if ((await editingState({ events }, docServer, key)) !== 'over')
    return 'the document is open in the editor, which has the edits: retry'
  if ((await docServer.forgottenUrl(key)) !== undefined)
    return 'Document Server keeps the file: retry, or keep the forgotten file first'
  const session = await knownSession(database, key)
  // What a refused 3 would have brought stays among Document Server's changes of the key until it is opened again.
  const isReopenable = session.superseded_at === null
  const openedAt = session.config_issued_at ?? ''
  if (isReopenable && failed.some(({ status, received_at }) => status === 3 && received_at > openedAt))
    return 'Document Server may still have the edits: open the document in the editor and close it'
  return undefined
}
