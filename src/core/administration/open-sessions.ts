import { Problem } from '../../errors.ts'
import { documentById } from '../../metadata/documents.ts'
import { namesOfPeople, openSessions as openRows } from '../../metadata/open-sessions.ts'
import type { SessionRow } from '../../metadata/schema.ts'
import { sessionByKey, updateSession } from '../../metadata/sessions.ts'
import { updateVersion, versionById } from '../../metadata/versions.ts'
import type { Caller } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { newKey } from '../keys.ts'
import type { Held } from '../locks.ts'
import type { DocServer } from '../ports.ts'
import { storedSave } from '../save-now.ts'
import { editorsOf, knownSession } from '../sessions.ts'
import { recordOperator } from './operator-activity.ts'

/** How long Document Server may take to hand over what is typed. */
const SAVE_WAIT_S = 20
const MOST_NAMES = 500

type SessionDeps = Pick<Deps, 'database' | 'docServer' | 'events' | 'log' | 'clock' | 'locks' | 'keyPrefix'>

export type OpenSession = {
  key: string
  documentId: string
  name: string
  users: string[]
  openedAt: string
  savedAt: string | null
  /** The document went on without it: what is typed here becomes a conflict version. */
  isSuperseded: boolean
}

/** Sessions that somebody may have open, the oldest first. @param most of them */
export async function openSessions(
  { database }: Pick<Deps, 'database'>,
  most: number,
): Promise<OpenSession[]> {
  const rows = await openRows(database, most)
  const editors = new Map(rows.map((row) => [row.key, JSON.parse(row.editors) as string[]]))
  const names = await namesOfPeople(database, {
    workspaceIds: [...new Set(rows.map((row) => row.workspace_id))],
    userIds: [...new Set([...editors.values()].flat())].slice(0, MOST_NAMES),
  })
  return rows.map((row) => ({
    key: row.key,
    documentId: row.document_id,
    name: `${row.title}.${row.file_type}`,
    users: (editors.get(row.key) ?? []).map((id) => names.get(`${row.workspace_id} ${id}`) ?? id),
    openedAt: row.opened_at,
    savedAt: row.saved_at,
    isSuperseded: row.superseded_at !== null,
  }))
}

/**
 * Has what is typed stored now.
 *
 * @throws Problem `key-unknown`, `document-server-missing`, `document-server-failed`, `save-not-arrived`
 */
export async function saveSession(deps: SessionDeps, key: string): Promise<'saved' | 'unchanged'> {
  await knownSession(deps.database, key)
  return (await storedSave(deps, key, SAVE_WAIT_S)) === undefined ? 'unchanged' : 'saved'
}

/**
 * Saves what is typed, then drops everyone. Nobody is dropped when the save did not arrive. Text that
 * a tab in strict mode has not handed over is lost.
 *
 * @returns how many users were dropped
 * @throws Problem as `saveSession`
 */
export async function disconnectSession(deps: SessionDeps, caller: Caller, key: string): Promise<number> {
  const { database, docServer, clock } = deps
  const session = await knownSession(database, key)
  if (docServer === undefined) throw new Problem('document-server-missing')
  await storedSave(deps, key, SAVE_WAIT_S)
  const dropped = await dropAll(docServer, session)
  const done = {
    documentId: session.document_id,
    action: 'session-disconnected',
    at: clock().toISOString(),
    detail: { dropped },
  } as const
  await database.transaction().execute((tx) => recordOperator(tx, caller, done))
  return dropped
}

async function dropAll(docServer: DocServer, session: SessionRow): Promise<number> {
  const { isKnown, users = editorsOf(session) } = await docServer.info(session.key)
  if (!isKnown || users.length === 0) return 0
  const error = await docServer.drop(session.key, users)
  if (error !== 0) throw new Problem('document-server-failed', `drop answered ${error}`)
  return users.length
}

export type ClosedSession = {
  /** Document Server has handed over what was typed. */
  isSaved: boolean
  dropped: number
}

/**
 * Ends a session whatever Document Server says: the next opening begins a new one from what is stored.
 * What still arrives under the old key becomes a conflict version. One that has ended stays as it is.
 *
 * @throws Problem `key-unknown`
 */
export async function closeSession(deps: SessionDeps, caller: Caller, key: string): Promise<ClosedSession> {
  const session = await knownSession(deps.database, key)
  const closed = await saveAndDrop(deps, session)
  // Not between two steps of a save.
  const wasCurrent = await deps.locks.run(key, (held) => endSession(deps, caller, { key, held }, closed))
  // Whoever has opened the document since then is in another session.
  if (wasCurrent) await deps.events.publish(session.document_id, { type: 'users', users: [] })
  return closed
}

async function saveAndDrop(deps: SessionDeps, session: SessionRow): Promise<ClosedSession> {
  const closed = { isSaved: false, dropped: 0 }
  if (deps.docServer === undefined) return closed
  try {
    await storedSave(deps, session.key, SAVE_WAIT_S)
    closed.isSaved = true
  } catch (error) {
    deps.log.warn({ err: error, key: session.key }, 'session closed without a last save')
  }
  try {
    closed.dropped = await dropAll(deps.docServer, session)
  } catch (error) {
    deps.log.warn({ err: error, key: session.key }, 'session closed although its users may still be in it')
  }
  return closed
}

/** @returns whether it was the one in which its document is opened */
async function endSession(
  { database, clock, keyPrefix }: SessionDeps,
  caller: Caller,
  { key, held }: { key: string; held: Held },
  closed: ClosedSession,
): Promise<boolean> {
  const now = clock().toISOString()
  return database.transaction().execute(async (tx) => {
    await held.demand(tx)
    const session = await sessionByKey(tx, key)
    if (session === undefined) return false
    const isCurrent = session.superseded_at === null
    if (!isCurrent && session.next_forcesave_at === null) return false
    if (session.draft_version_id !== null) await updateVersion(tx, session.draft_version_id, { kind: 'cut' })
    const { head_version_id } = await documentById(tx, session.document_id)
    const head = await versionById(tx, head_version_id)
    // A session that saved nothing runs under the key of its document's head.
    if (head.key === key) await updateVersion(tx, head.id, { key: newKey(keyPrefix) })
    await updateSession(tx, key, {
      draft_version_id: null,
      superseded_at: session.superseded_at ?? now,
      editors: '[]',
      next_forcesave_at: null,
    })
    await recordOperator(tx, caller, {
      documentId: session.document_id,
      action: 'session-closed',
      at: now,
      detail: { ...closed },
    })
    return isCurrent
  })
}
