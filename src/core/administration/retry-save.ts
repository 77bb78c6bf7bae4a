import { Problem } from '../../errors.ts'
import { dropForgotten, forgottenFile } from '../../metadata/forgotten.ts'
import { sessionByKey } from '../../metadata/sessions.ts'
import { editingState } from '../presence.ts'
import { recoverForgotten } from '../recovery.ts'
import { storedSave } from '../save-now.ts'

const SAVE_WAIT_S = 20

/**
 * `saved`: those who have it open handed their text over; `recovered`: the forgotten file is ours now;
 * `waiting`: Document Server has something that cannot be taken yet; `nothing`: it has nothing new.
 */
export type RetriedSave = {
  outcome: 'saved' | 'recovered' | 'waiting' | 'nothing'
  /** Why it waits. */
  reason: string | null
}

/**
 * Asks Document Server again for what a failed save would have brought: from those who still edit,
 * else from its forgotten store.
 *
 * @throws Problem `document-server-missing`, `document-server-failed`, `save-not-arrived`
 */
export async function retrySave(
  deps: Parameters<typeof recoverForgotten>[0],
  key: string,
): Promise<RetriedSave> {
  const { database, docServer } = deps
  if (docServer === undefined) throw new Problem('document-server-missing')
  const session = await sessionByKey(database, key)
  const state = session === undefined ? 'over' : await editingState(deps, docServer, key)
  if (state === 'closing') return { outcome: 'waiting', reason: 'a save is coming' }
  if (state === 'edited') {
    const stored = await storedSave(deps, key, SAVE_WAIT_S)
    return { outcome: stored === undefined ? 'nothing' : 'saved', reason: null }
  }
  const { recovered } = await recoverForgotten(deps, undefined, key)
  if (recovered > 0) {
    await dropForgotten(database, key)
    return { outcome: 'recovered', reason: null }
  }
  const waiting = await forgottenFile(database, key)
  if (waiting !== undefined) return { outcome: 'waiting', reason: waiting.reason }
  if (session === undefined) throw new Problem('key-unknown')
  return { outcome: 'nothing', reason: null }
}
