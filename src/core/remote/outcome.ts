import { apiKeyById } from '../../metadata/api-keys.ts'
import { documentById, updateDocument } from '../../metadata/documents.ts'
import {
  deleteRemoteFile,
  findRemoteFile,
  updateClaimed,
  updateRemoteFile,
} from '../../metadata/remote-files.ts'
import type { DocumentRow, RemoteFileRow, Tx } from '../../metadata/schema.ts'
import { currentSession } from '../../metadata/sessions.ts'
import { versionById } from '../../metadata/versions.ts'
import { recordActivity } from '../activity.ts'
import type { Deps } from '../deps.ts'
import { afterSeconds } from '../sessions.ts'

/** From one attempt to the next, about: up to a tenth longer. The last one again and again. */
export const DELIVER_AFTER_S = [5, 30, 120, 600, 3600]
const JITTER = 0.1
/** Then it is given up until there is a newer save, or somebody wants it retried. */
export const GIVE_UP_AFTER_S = 7 * 86_400
/** A link that ends waits for those who still edit. */
const ASK_AGAIN_S = 30

type OutcomeDeps = Pick<Deps, 'database' | 'clock' | 'log'>

/**
 * The other side holds these bytes of ours. A head that has moved on meanwhile is due at once.
 *
 * @param known what lies there from now on; nothing: what we knew
 */
export async function noteDelivered(
  { database, clock }: OutcomeDeps,
  row: RemoteFileRow,
  known: Partial<Pick<RemoteFileRow, 'sha256' | 'etag'>>,
): Promise<void> {
  const time = clock()
  const now = time.toISOString()
  await database.transaction().execute(async (tx) => {
    const document = await documentById(tx, row.document_id)
    const head = await versionById(tx, document.head_version_id)
    const latest = await findRemoteFile(tx, row.document_id)
    if (latest?.claimed_until !== row.claimed_until) return
    const isCurrent = latest.write_url === null || head.sha256 === (known.sha256 ?? row.sha256)
    const isEnding = isCurrent && latest.ended_at !== null
    if (isEnding && !(await isEdited(tx, document))) return end(tx, document, latest, now)
    await updateClaimed(tx, row, {
      ...(known.sha256 === undefined ? {} : { sha256: known.sha256 }),
      ...(known.etag === undefined ? {} : { etag: known.etag }),
      unanswered: '[]',
      attempts: 0,
      last_error: null,
      claimed_until: null,
      updated_at: now,
      ...(isCurrent
        ? {
            state: 'current' as const,
            waiting_since: null,
            next_attempt_at: isEnding ? afterSeconds(time, ASK_AGAIN_S) : null,
          }
        : { state: 'waiting' as const, waiting_since: now, next_attempt_at: now }),
    })
  })
}

/** On the tick: somebody edits, or was about to a moment ago. */
export async function isEdited(db: Tx | Deps['database'], { id }: Pick<DocumentRow, 'id'>): Promise<boolean> {
  const session = await currentSession(db, id)
  return session !== undefined && session.next_forcesave_at !== null
}

async function end(tx: Tx, document: DocumentRow, row: RemoteFileRow, now: string): Promise<void> {
  await deleteRemoteFile(tx, document.id)
  if (document.deleted_at !== null) return
  const key = await apiKeyById(tx, row.api_key_id)
  await updateDocument(tx, document.id, { deleted_at: now })
  await recordActivity(tx, {
    workspaceId: document.workspace_id,
    documentId: document.id,
    actor: { id: row.api_key_id, name: key?.name ?? row.api_key_id },
    action: 'deleted',
    at: now,
    detail: { title: document.title, fileKey: row.name_key },
  })
}

/** Tried again later, for a week; at once after a stop of ours, which is nobody's fault. */
export async function noteTrouble(
  deps: OutcomeDeps,
  row: RemoteFileRow,
  error: string | undefined,
  stop: AbortSignal,
  change: { etag?: null } = {},
): Promise<void> {
  const now = deps.clock()
  if (stop.aborted) {
    const again = { attempts: row.attempts - 1, next_attempt_at: now.toISOString(), claimed_until: null }
    await updateClaimed(deps.database, row, again)
    return
  }
  // Newer bytes may have come meanwhile, with a week of their own.
  const current = await updateRemoteFile(deps.database, row.document_id, { updated_at: now.toISOString() })
  const since = current.waiting_since ?? now.toISOString()
  if (now.getTime() - Date.parse(since) >= GIVE_UP_AFTER_S * 1000)
    return noteGivenUp(deps, row, error ?? 'not delivered')
  const waitS = DELIVER_AFTER_S[row.attempts - 1] ?? DELIVER_AFTER_S.at(-1) ?? 0
  await updateClaimed(deps.database, row, {
    ...change,
    state: 'waiting',
    last_error: error ?? null,
    next_attempt_at: afterSeconds(now, waitS * (1 + Math.random() * JITTER)),
    claimed_until: null,
    updated_at: now.toISOString(),
  })
}

export async function noteGivenUp(
  { database, clock, log }: OutcomeDeps,
  row: RemoteFileRow,
  error: string,
): Promise<void> {
  await updateClaimed(database, row, {
    state: 'failed',
    last_error: error,
    next_attempt_at: null,
    claimed_until: null,
    updated_at: clock().toISOString(),
  })
  log.warn({ document: row.document_id, error }, 'delivery of a linked file given up, its versions are here')
}
