import { setTimeout as delay } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import { isFinalSaveInFlight } from '../metadata/saves.ts'
import type { DocumentRow, SessionRow, VersionRow } from '../metadata/schema.ts'
import {
  currentSession,
  insertSessionIfNone,
  sessionByKey,
  startTicking,
  updateSession,
} from '../metadata/sessions.ts'
import { versionById } from '../metadata/versions.ts'
import type { Deps } from './deps.ts'

const WAIT_STEP_MS = 100
/** An issued edit config is noted at most this often: each note is a durable write. */
const NOTE_CONFIG_EVERY_MS = 10_000
/** An edit config counts as "someone may be editing" for this long. */
export const CONFIG_COUNTS_MS = 120_000

export type OpenedSession = {
  session: SessionRow
  /** The newest stored content of the session: what a late opener must see. */
  content: VersionRow
}

type SessionDeps = Pick<Deps, 'database' | 'clock' | 'config' | 'events' | 'log'>

/**
 * The session that everyone opening the document shares, made at its first opening. While the
 * final save of its key is in flight Document Server refuses the key, so opening waits for the outcome.
 *
 * @throws Problem `saving-in-progress` after `OPEN_WAIT_S`
 */
export async function openSession(
  deps: SessionDeps,
  document: DocumentRow,
  { head, forEditing }: { head: VersionRow; forEditing: boolean },
): Promise<OpenedSession> {
  let session = await findOrCreateSession(deps, document)
  if (await isFinalSaveInFlight(deps.database, session.key)) {
    await finalSaveEnded(deps, session.key)
    session = await findOrCreateSession(deps, document)
  }
  if (forEditing) await noteEditConfig(deps, session)
  return { session, content: await newestContent(deps, session, head) }
}

async function findOrCreateSession(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  { id }: DocumentRow,
): Promise<SessionRow> {
  const existing = await currentSession(database, id)
  if (existing !== undefined) return existing

  return database.transaction().execute(async (tx) => {
    // The head is read inside: a save may have moved it since the caller looked.
    const { head_version_id } = await tx
      .selectFrom('documents')
      .select('head_version_id')
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    const head = await versionById(tx, head_version_id)
    await insertSessionIfNone(tx, {
      key: head.key,
      document_id: id,
      base_version_id: head.id,
      editors: '[]',
      opened_at: clock().toISOString(),
    })
    const session = await currentSession(tx, id)
    if (session === undefined) throw new Error(`no session could be made for document ${id}`)
    return session
  })
}

async function finalSaveEnded({ database, config }: SessionDeps, key: string): Promise<void> {
  const until = performance.now() + config.OPEN_WAIT_S * 1000
  while (await isFinalSaveInFlight(database, key)) {
    if (performance.now() >= until) throw new Problem('saving-in-progress', undefined, { retryAfterS: 5 })
    await delay(WAIT_STEP_MS)
  }
}

async function noteEditConfig({ database, clock, config }: SessionDeps, session: SessionRow): Promise<void> {
  const now = clock()
  const noted = session.config_issued_at === null ? 0 : Date.parse(session.config_issued_at)
  if (now.getTime() - noted < NOTE_CONFIG_EVERY_MS && session.next_forcesave_at !== null) return
  await startTicking(database, session.key, afterSeconds(now, config.FORCESAVE_INTERVAL_S), {
    config_issued_at: now.toISOString(),
  })
}

function newestContent(
  { database }: Pick<Deps, 'database'>,
  session: SessionRow,
  head: VersionRow,
): Promise<VersionRow> | VersionRow {
  const id = session.content_version_id ?? session.base_version_id
  return id === head.id ? head : versionById(database, id)
}

/**
 * Callback status 1: who has the document open. An empty list comes while a final save is on its
 * way and ends nothing.
 *
 * @throws Problem `key-unknown`
 */
export async function noteEditors(
  { database, clock, config, events }: SessionDeps,
  key: string,
  users: string[],
): Promise<SessionRow> {
  const session = await knownSession(database, key)
  const now = clock()
  const change = { last_callback_at: now.toISOString() }
  await events.presenceTold(key, { status: 1, users })
  if (users.length === 0) {
    await updateSession(database, key, change)
    return session
  }
  await startTicking(database, key, afterSeconds(now, config.FORCESAVE_INTERVAL_S), {
    ...change,
    editors: JSON.stringify(users),
  })
  await events.publish(session.document_id, { type: 'users', users })
  return session
}

/**
 * Callback status 4: everyone left and nothing changed. The key goes on for the next opening.
 *
 * @throws Problem `key-unknown`
 */
export async function noteClosed({ database, clock, events }: SessionDeps, key: string): Promise<SessionRow> {
  const session = await knownSession(database, key)
  await updateSession(database, key, {
    editors: '[]',
    next_forcesave_at: null,
    last_callback_at: clock().toISOString(),
  })
  await events.presenceTold(key, { status: 4, users: [] })
  await events.publish(session.document_id, { type: 'users', users: [] })
  return session
}

/** @throws Problem `key-unknown` */
export async function knownSession(database: Deps['database'], key: string): Promise<SessionRow> {
  const session = await sessionByKey(database, key)
  if (session === undefined) throw new Problem('key-unknown')
  return session
}

export function editorsOf(session: SessionRow): string[] {
  return JSON.parse(session.editors)
}

export function afterSeconds(time: Date, seconds: number): string {
  return new Date(time.getTime() + seconds * 1000).toISOString()
}
