import { findTrashed, trashedBefore } from '../metadata/documents.ts'
import { eraseDocument, giveUpVersions, isAnythingAtRisk } from '../metadata/retention.ts'
import { recordActivity } from './activity.ts'
import type { Deps } from './deps.ts'

const DAY_MS = 24 * 3600_000
/** A session that was opened this long ago has no editor that still fetches its file: tokens live as long. */
const SESSION_SPARES_MS = 31 * DAY_MS
const AT_ONCE = 200

type RetentionDeps = Pick<Deps, 'database' | 'clock' | 'config' | 'log'>

/**
 * Gives up the bytes of old versions: those beyond `KEEP_VERSIONS` and older than `KEEP_DAYS`, each
 * only if it is set. Never the head, a labelled one, a conflict or what was recovered, and none
 * that a session still rests on. Their numbers stay taken. @returns how many
 */
export async function applyRetention({ database, clock, config, log }: RetentionDeps): Promise<number> {
  const { KEEP_VERSIONS, KEEP_DAYS } = config
  if (KEEP_VERSIONS === undefined && KEEP_DAYS === undefined) return 0
  const now = clock().getTime()
  const at = (time: number) => new Date(time).toISOString()
  let given = 0
  for (let more = AT_ONCE; more === AT_ONCE; given += more) {
    more = await giveUpVersions(database, {
      newest: KEEP_VERSIONS ?? 0,
      before: at(now - (KEEP_DAYS ?? 0) * DAY_MS),
      sessionsSince: at(now - SESSION_SPARES_MS),
      now: at(now),
      most: AT_ONCE,
    })
  }
  if (given > 0) log.info({ versions: given }, 'old versions given up')
  return given
}

/** Erases what lay in the trash for `TRASH_DAYS`, unless edits of it are still at risk; 0 keeps it for ever. */
export async function purgeTrash({ database, clock, config, log }: RetentionDeps): Promise<number> {
  if (config.TRASH_DAYS === 0) return 0
  const now = clock()
  const before = new Date(now.getTime() - config.TRASH_DAYS * DAY_MS).toISOString()
  let purged = 0
  for (const { id } of await trashedBefore(database, before, AT_ONCE)) {
    // One that cannot be erased keeps none of the others.
    const isPurged = await purge({ database, clock }, id, before).catch((error: unknown) => {
      log.error({ err: error, document: id }, 'not erased from the trash')
    })
    if (isPurged === true) purged += 1
  }
  if (purged > 0) log.info({ documents: purged }, 'trash emptied of what lay there long')
  return purged
}

function purge(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  id: string,
  before: string,
): Promise<boolean> {
  return database.transaction().execute(async (tx) => {
    // Somebody may have brought it back since it was listed.
    const document = await findTrashed(tx, id, undefined)
    if (document?.deleted_at == null || document.deleted_at >= before) return false
    if (await isAnythingAtRisk(tx, id)) return false
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId: id,
      actor: { id: 'retention', name: 'Retention' },
      action: 'purged',
      at: clock().toISOString(),
      detail: { title: document.title },
    })
    await eraseDocument(tx, document)
    return true
  })
}
