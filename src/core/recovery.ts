import { randomUUIDv7 } from 'node:crypto'
import { isProblem } from '../errors.ts'
import { withoutQuery } from '../log.ts'
import { documentById } from '../metadata/documents.ts'
import { dropForgottenBut, forgottenFile, noteForgotten } from '../metadata/forgotten.ts'
import { deleteSave, hasStoredBytes, insertSave, isFinalSaveInFlight, saveById } from '../metadata/saves.ts'
import type { SessionRow } from '../metadata/schema.ts'
import { sessionByKey } from '../metadata/sessions.ts'
import type { Deps } from './deps.ts'
import { fetchSave, fetchUnchecked } from './fetch-save.ts'
import { isOwnKey } from './keys.ts'
import type { Held } from './locks.ts'
import type { DocServer } from './ports.ts'
import { editingState } from './presence.ts'
import { finishSave, surely } from './saves.ts'

type RecoveryDeps = Pick<
  Deps,
  | 'database'
  | 'commits'
  | 'blobs'
  | 'config'
  | 'clock'
  | 'locks'
  | 'keyPrefix'
  | 'log'
  | 'docServer'
  | 'events'
>

export type RecoveryResult = { recovered: number; waiting: number }

/**
 * Brings home what Document Server put into its forgotten store because we could not take it.
 * Nothing ever sends those files again, so nothing but this finds them.
 *
 * Files with our prefix but without a row (a restored backup) are noted for an administrator and
 * never deleted; files of other installations are neither shown nor touched.
 *
 * @param only looks at this key alone
 */
export async function recoverForgotten(
  deps: RecoveryDeps,
  stop?: AbortSignal,
  only?: string,
): Promise<RecoveryResult> {
  const { docServer, database, log } = deps
  const result = { recovered: 0, waiting: 0 }
  if (docServer === undefined) return result

  const own = (await docServer.forgottenKeys()).filter((key) => isOwnKey(deps.keyPrefix, key))
  await dropForgottenBut(database, own)
  const keys = only === undefined ? own : own.filter((key) => key === only)
  for (const key of keys) {
    if (stop?.aborted === true) break
    try {
      const outcome = await deps.locks.run(key, (held) => recoverKey(deps, docServer, key, held))
      if (outcome === 'home') result.recovered += 1
      else await note(deps, key, outcome)
    } catch (error) {
      log.error({ err: error, key }, 'forgotten file not recovered, again in the next round')
      await note(deps, key, { reason: isProblem(error) ? error.code : 'internal' }).catch(() => {})
    }
  }
  result.waiting = keys.length - result.recovered
  return result
}

/** Why a file stays at Document Server, and which file that is true of. */
type Waiting = { reason: string; fingerprint?: string }

async function note(deps: RecoveryDeps, key: string, { reason, fingerprint }: Waiting): Promise<void> {
  await noteForgotten(deps.database, { key, reason, fingerprint, now: deps.clock().toISOString() })
}

async function recoverKey(
  deps: RecoveryDeps,
  docServer: DocServer,
  key: string,
  held: Held,
): Promise<'home' | Waiting> {
  const session = await sessionByKey(deps.database, key)
  if (session === undefined) return { reason: 'no session has this key' }

  const state = await editingState(deps, docServer, key)
  // A final save that is on its way holds more than this file.
  if (state === 'closing' || (await isFinalSaveInFlight(deps.database, key)))
    return { reason: 'a save is coming' }
  const url = await docServer.forgottenUrl(key)
  if (url === undefined) return 'home'
  const before = await docServer.head(url)
  const fingerprint = `${before.size ?? ''} ${before.lastModified ?? ''}`
  const isEdited = state === 'edited'
  const known = await forgottenFile(deps.database, key)
  const isUnchanged = known?.fingerprint === fingerprint
  // Its editors work on this file: Document Server removes it itself after our 200 to their final save.
  if (isEdited && isUnchanged) return { reason: 'the document is open in the editor', fingerprint }
  if (isUnchanged && known?.reason === DAMAGED) return { reason: DAMAGED, fingerprint }

  const stored = await storeForgotten(deps, docServer, session, {
    url,
    isEdited,
    lastModified: before.lastModified,
    held,
  })
  if (stored === 'damaged') return { reason: DAMAGED, fingerprint }
  if (isEdited) return { reason: 'the document is open in the editor', fingerprint }

  if ((await editingState(deps, docServer, key)) !== 'over')
    return { reason: 'the document was opened again' }
  const urlNow = await docServer.forgottenUrl(key)
  if (urlNow === undefined) return 'home'
  const after = await docServer.head(urlNow)
  if (after.size !== before.size || after.lastModified !== before.lastModified) {
    return { reason: 'the file changed meanwhile' }
  }
  // A node that was paused since then must not delete what another one is bringing home.
  await deps.database.transaction().execute((tx) => held.demand(tx))
  await docServer.deleteForgotten(key)
  return 'home'
}

/** Kept as a recovery version and left at Document Server, for somebody to look at. */
const DAMAGED = 'the file is damaged'

/**
 * As the session's draft while somebody edits it, else as its final version (or conflict, when
 * superseded). What is older than the session's newest save, or not what it says, becomes its
 * recovery version: never head, never dropped.
 */
async function storeForgotten(
  deps: RecoveryDeps,
  docServer: DocServer,
  session: SessionRow,
  {
    url,
    isEdited,
    lastModified,
    held,
  }: { url: string; isEdited: boolean; lastModified: string | undefined; held: Held },
): Promise<'stored' | 'damaged'> {
  const { key, document_id: documentId } = session
  const { database, config, clock, events, log } = deps
  const saveId = randomUUIDv7()
  const fileType = fileTypeOf(url) ?? (await documentById(database, documentId)).file_type
  try {
    await insertSave(database, {
      id: saveId,
      key,
      document_id: documentId,
      node: config.NODE_NAME,
      status: isEdited ? 6 : 2,
      forcesave_type: isEdited ? 0 : null,
      url_path: withoutQuery(url),
      author_id: UNKNOWN_AUTHOR.id,
      state: 'receiving',
      received_at: clock().toISOString(),
    })
    const { blob, isDamaged } = await fetchForgotten(deps, docServer, { url, fileType })
    const latest =
      session.latest_save_id === null ? undefined : await saveById(database, session.latest_save_id)
    const isOld = isOlderThan(lastModified, latest?.lastsave)
    if (isOld && latest?.sha256 !== blob.sha256 && (await hasStoredBytes(database, key, blob.sha256))) {
      // An earlier state of this session, which the journal holds already. Without the time it may
      // as well be what somebody went back to.
      await deleteSave(database, saveId)
      return 'stored'
    }
    const { outcome, version } = await finishSave(
      deps,
      key,
      {
        saveId,
        status: isDamaged || isOld ? 3 : isEdited ? 6 : 2,
        forcesaveType: isEdited ? 0 : undefined,
        isApiSave: false,
        // Its time stamp comes from another clock than the times of changes.
        lastsave: null,
        fileType,
        author: UNKNOWN_AUTHOR,
        blob,
        changes: undefined,
        history: undefined,
      },
      { held, isForgotten: true },
    )
    log.warn({ document: documentId, key, outcome, version: version?.number }, 'forgotten file recovered')
    if (version !== undefined && outcome === 'final') {
      await events.publish(documentId, { type: 'head-changed', versionNumber: version.number })
    }
    return isDamaged ? 'damaged' : 'stored'
  } catch (error) {
    // The file is still at Document Server, and its note says what is wrong: the next round is the retry.
    await surely(log, () => deleteSave(database, saveId))
    throw error
  }
}

async function fetchForgotten(
  deps: RecoveryDeps,
  docServer: DocServer,
  source: { url: string; fileType: string },
) {
  try {
    return { blob: await fetchSave(deps, docServer, source), isDamaged: false }
  } catch (error) {
    if (!isProblem(error, 'content-not-as-announced')) throw error
    return { blob: await fetchUnchecked(deps, docServer, source.url), isDamaged: true }
  }
}

function isOlderThan(lastModified: string | undefined, lastsave: string | null | undefined): boolean {
  if (lastModified === undefined || !lastsave) return false
  return Date.parse(lastModified) < Date.parse(lastsave)
}

/** A forgotten file does not say who wrote it. */
const UNKNOWN_AUTHOR = { id: 'document-server', name: 'Document Server (recovered)' }

/** `…/forgotten/<key>/output.<ext>/output.<ext>` */
function fileTypeOf(url: string): string | undefined {
  return /\/output\.([a-z0-9]+)(?:\/|$)/i.exec(new URL(url, 'http://relative').pathname)?.[1]?.toLowerCase()
}
