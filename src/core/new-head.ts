import { randomUUIDv7 } from 'node:crypto'
import { documentById, nextVersionNumber, setHead } from '../metadata/documents.ts'
import type { DocumentRow, SessionRow, Tx, VersionKind, VersionRow } from '../metadata/schema.ts'
import { currentSession, updateSession } from '../metadata/sessions.ts'
import { insertVersion, updateVersion } from '../metadata/versions.ts'
import { type Action, recordActivity } from './activity.ts'
import type { Deps } from './deps.ts'
import { newKey } from './keys.ts'
import type { BlobRef } from './ports.ts'
import { CONFIG_COUNTS_MS, editorsOf } from './sessions.ts'
import { startEpoch } from './updates/updates.ts'

/** How long the editors' typed text may take to arrive before the head is replaced. */
const LAST_SAVE_WAIT_MS = 10_000

export type NewHead = {
  kind: Extract<VersionKind, 'upload' | 'restored' | 'json'>
  blob: BlobRef
  /** Blob of the editor JSON that says the same. */
  jsonSha256?: string | null
  fileType: string
  author: { id: string; name: string }
  description?: string
  /** What else changes with it, in the same transaction. */
  also?: (tx: Tx, current: DocumentRow) => Promise<unknown>
  activity: { action: Action; detail?: Record<string, unknown> }
}

/**
 * Makes a new head while people may be editing: first whatever Document Server holds is saved, then
 * in one transaction the draft becomes an ordinary version, the new head is made and the session is
 * superseded. The pages are told and move to the new key; pages that do not listen go on under the
 * old one, and their saves become its conflict version. Nobody is dropped: that would discard text.
 *
 * @throws whatever `also` throws; then nothing has changed
 */
export async function replaceHead(
  deps: Pick<Deps, 'database' | 'clock' | 'docServer' | 'events' | 'keyPrefix' | 'log'>,
  document: DocumentRow,
  head: NewHead,
): Promise<VersionRow> {
  const session = await currentSession(deps.database, document.id)
  if (session !== undefined && mayBeEdited(session, deps.clock())) await saveWhatIsTyped(deps, session.key)

  const now = deps.clock().toISOString()
  const { version, epoch } = await deps.database.transaction().execute(async (tx) => {
    await head.also?.(tx, await documentById(tx, document.id))
    const current = await currentSession(tx, document.id)
    if (current !== undefined) {
      if (current.draft_version_id !== null)
        await updateVersion(tx, current.draft_version_id, { kind: 'cut' })
      await updateSession(tx, current.key, { draft_version_id: null, superseded_at: now })
    }
    const made = await insertVersion(tx, {
      id: randomUUIDv7(),
      document_id: document.id,
      number: await nextVersionNumber(tx, document.id),
      kind: head.kind,
      session_key: null,
      key: newKey(deps.keyPrefix),
      sha256: head.blob.sha256,
      size: head.blob.size,
      file_type: head.fileType,
      json_sha256: head.jsonSha256 ?? null,
      author_id: head.author.id,
      author_name: head.author.name,
      description: head.description ?? null,
      created_at: now,
      updated_at: now,
    })
    await setHead(tx, made, now)
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId: document.id,
      actor: head.author,
      at: now,
      action: head.activity.action,
      detail: { versionNumber: made.number, ...head.activity.detail },
    })
    // What clients of the hub shared describes the old content.
    return { version: made, epoch: await startEpoch(tx, document.id, now) }
  })
  await deps.events.tellRoom(document.id, { kind: 'restored', epoch, versionNumber: version.number })
  await deps.events.publish(document.id, { type: 'head-changed', versionNumber: version.number })
  return version
}

function mayBeEdited(session: SessionRow, now: Date): boolean {
  const issued = session.config_issued_at === null ? 0 : Date.parse(session.config_issued_at)
  return editorsOf(session).length > 0 || now.getTime() - issued < CONFIG_COUNTS_MS
}

/** A forced save whose answer 4 says nothing about a tab's own text: then the page asks its user. */
export async function saveWhatIsTyped(
  { docServer, events, log }: Pick<Deps, 'docServer' | 'events' | 'log'>,
  key: string,
): Promise<void> {
  if (docServer === undefined) return
  const { promise: stored, resolve } = Promise.withResolvers<void>()
  const unsubscribe = events.onSaveStored(key, () => resolve())
  const timer = setTimeout(resolve, LAST_SAVE_WAIT_MS)
  try {
    // The save may be brought to another node.
    await events.heard()
    if ((await docServer.forcesave(key)) === 0) await stored
  } catch (error) {
    log.warn({ err: error, key }, 'no forced save before the session changes')
  } finally {
    clearTimeout(timer)
    unsubscribe()
  }
}
