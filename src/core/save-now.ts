import { randomUUIDv7 } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import { isSaveInFlight, storedSaveWith } from '../metadata/saves.ts'
import type { VersionRow } from '../metadata/schema.ts'
import { currentSession } from '../metadata/sessions.ts'
import { versionById } from '../metadata/versions.ts'
import { type Caller, demand } from './callers.ts'
import type { Deps } from './deps.ts'
import { documentFor } from './documents.ts'
import type { SaveStored } from './events.ts'
import { API_SAVE_MARK } from './saves.ts'

/** A save that Document Server has begun reaches us within half a second (measured). */
const BEGUN_MS = 1000

export type SavedNow = {
  /** `saved`: the editor's state of now is in the version; `unchanged`: it was already. */
  outcome: 'saved' | 'unchanged'
  version: VersionRow
}

/**
 * Has the editor's state stored as a version of its own and waits for it.
 *
 * Document Server answers 4 when it has nothing new, and also while a save is running: then that one
 * is waited for, and asked again. Text that a tab in strict mode has not handed over is in neither.
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
  const { id } = await documentFor(deps, caller, documentId)
  const session = await currentSession(deps.database, id)
  const stored = session && (await storedSave(deps, session.key, waitS))
  const { head_version_id } = await documentFor(deps, caller, documentId)
  return {
    outcome: stored === undefined ? 'unchanged' : 'saved',
    version: await versionById(deps.database, stored?.versionId ?? head_version_id),
  }
}

/** @returns undefined when everything is stored already */
export async function storedSave(
  { database, docServer, events }: Pick<Deps, 'database' | 'docServer' | 'events'>,
  key: string,
  waitS: number,
): Promise<SaveStored | undefined> {
  if (docServer === undefined) throw new Problem('document-server-missing')
  const deadline = performance.now() + waitS * 1000
  // A save that was refused before is sent again with its old mark: any save from now on is as new.
  const userdata = `${API_SAVE_MARK}${randomUUIDv7()}`
  const { next, unsubscribe } = followSaves(events, key)
  try {
    // The save may be brought to another node.
    await events.heard()
    for (let running: SaveStored | undefined; ; ) {
      const asked = next()
      const answer = await docServer.forcesave(key, userdata)
      // 1: nobody has it open.
      if (answer === 1 || (answer === 4 && running !== undefined)) return running
      if (answer === 4) {
        running = await within(asked, Math.min(BEGUN_MS, deadline - performance.now()))
        if (running === undefined && !(await isSaveInFlight(database, key))) return undefined
        running ??= await arrival(asked)
      } else if (answer === 0) {
        return await arrival(asked)
      } else {
        throw new Problem('document-server-failed', `forced save answered ${answer}`)
      }
    }
  } finally {
    unsubscribe()
  }

  async function arrival(asked: Promise<SaveStored>): Promise<SaveStored> {
    const save = await within(asked, deadline - performance.now())
    // Stored by a node that is not heard at the moment.
    const unheard = save ?? (await storedSaveWith(database, { key, userdata }))
    if (unheard === undefined) throw new Problem('save-not-arrived', `no save arrived within ${waitS} s`)
    return unheard
  }
}

/** `next` gives the first save that is stored after it was called. */
function followSaves(events: Pick<Deps['events'], 'onSaveStored'>, key: string) {
  let waiting = Promise.withResolvers<SaveStored>()
  const unsubscribe = events.onSaveStored(key, (save) => {
    waiting.resolve(save)
    waiting = Promise.withResolvers()
  })
  return { next: () => waiting.promise, unsubscribe }
}

function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return Promise.race([promise, delay(Math.max(0, ms), undefined, { ref: false })])
}
