import { randomUUIDv7 } from 'node:crypto'
import { nextVersionNumber, setHead } from '../metadata/documents.ts'
import { hasEqualSave, saveById } from '../metadata/saves.ts'
import type { SaveOutcome, SaveRow, SessionRow, Tx, VersionKind, VersionRow } from '../metadata/schema.ts'
import { updateSession } from '../metadata/sessions.ts'
import { insertVersion, updateVersion, versionById } from '../metadata/versions.ts'
import { newKey } from './keys.ts'
import type { BlobRef } from './ports.ts'

/** A save whose bytes are durable already. */
export type DurableSave = {
  saveId: string
  status: 2 | 3 | 6 | 7
  forcesaveType: number | undefined
  /** Asked for by an integrator: cuts a version like the button does. */
  isApiSave: boolean
  lastsave: string | null
  fileType: string
  author: { id: string; name: string }
  /** `unchanged`: Document Server says that the session's last stored save holds exactly this. */
  blob: BlobRef | 'unchanged'
  changes: BlobRef | undefined
  history: string | undefined
}

export type AppliedSave = { outcome: SaveOutcome; version: VersionRow | undefined; headChanged: boolean }

type Context = { tx: Tx; session: SessionRow; save: DurableSave; now: string; keyPrefix: string }

/**
 * Decides what a durable save becomes. Runs inside the transaction that ends the save, under the
 * key's lock.
 *
 * The rules, first match wins: bytes of a failed conversion (3, 7) → the session's one recovery
 * version · superseded
 * key → the session's one conflict version · a final or cut save that brings nothing new promotes
 * what is there · forced saves of the command and the timer → the session's draft · the rest cuts
 * or closes a version.
 */
export async function applySave(context: Context): Promise<AppliedSave> {
  const { tx, session, save } = context
  if (save.status === 3 || save.status === 7) return keepRecovery(context)

  const latest = session.latest_save_id === null ? undefined : await saveById(tx, session.latest_save_id)
  const isNews = await bringsNews(context, latest)
  const isSuperseded = session.superseded_at !== null
  if (isNews !== 'new') {
    return isSuperseded ? unmoved(isNews) : promote(context, latest, isNews)
  }
  return isSuperseded ? keepConflict(context) : advance(context)
}

/** `duplicate` and `outdated` move no bytes. */
async function bringsNews(
  { tx, session, save }: Context,
  latest: SaveRow | undefined,
): Promise<'new' | 'duplicate' | 'outdated'> {
  if (save.blob === 'unchanged') return 'duplicate'
  const { sha256 } = save.blob
  // Only the latest save's bytes make a duplicate: equal to an earlier one, it is an undo.
  if (latest?.sha256 === sha256) return 'duplicate'
  const isReplay = await hasEqualSave(tx, {
    key: session.key,
    status: save.status,
    lastsave: save.lastsave,
    sha256,
  })
  if (isReplay) return 'duplicate'
  // The final save holds all that Document Server has, whatever a clock that was set back says.
  const isLate = save.status !== 2 && isOlder(save.lastsave, latest?.lastsave ?? null)
  return isLate ? 'outdated' : 'new'
}

/** `lastsave` has whole seconds: equal ones count by arrival, so only a strictly older one is late. */
function isOlder(lastsave: string | null, latest: string | null): boolean {
  return lastsave !== null && latest !== null && Date.parse(lastsave) < Date.parse(latest)
}

function unmoved(outcome: SaveOutcome): AppliedSave {
  return { outcome, version: undefined, headChanged: false }
}

function versionKindOf(save: DurableSave): Extract<VersionKind, 'draft' | 'cut' | 'final'> {
  if (save.status === 2) return 'final'
  const isCut = save.forcesaveType === 1 || save.forcesaveType === 3 || save.isApiSave
  return isCut ? 'cut' : 'draft'
}

/** Nothing new to store, yet the save says how the session's newest version ends. */
async function promote(
  context: Context,
  latest: SaveRow | undefined,
  isNews: 'duplicate' | 'outdated',
): Promise<AppliedSave> {
  const { tx, session, save, now } = context
  const kind = versionKindOf(save)
  if (kind === 'draft' || !latest?.version_id) return unmoved(isNews)

  const newest = await versionById(tx, latest.version_id)
  if (kind === 'cut' && newest.kind !== 'draft') return unmoved(isNews)
  const version = await updateVersion(tx, newest.id, { kind, ...changesOf(save) })
  await updateSession(tx, session.key, {
    draft_version_id: null,
    ...(kind === 'final' ? { superseded_at: now } : {}),
  })
  return { outcome: kind === 'final' ? 'finalized' : 'cut', version, headChanged: false }
}

/** The save's bytes become the head: in the draft's place, or as a version of their own. */
async function advance(context: Context): Promise<AppliedSave> {
  const { tx, session, save, now } = context
  const kind = versionKindOf(save)
  const version =
    session.draft_version_id === null
      ? await addVersion(context, kind)
      : await moveVersion(context, session.draft_version_id, kind)
  await setHead(tx, version, now)
  await updateSession(tx, session.key, {
    draft_version_id: kind === 'draft' ? version.id : null,
    latest_save_id: save.saveId,
    content_version_id: version.id,
    ...(kind === 'final' ? { superseded_at: now } : {}),
  })
  return { outcome: kind, version, headChanged: true }
}

/** The head went on without this session: its bytes are kept beside it, never as head. */
async function keepConflict(context: Context): Promise<AppliedSave> {
  const { tx, session, save } = context
  const version =
    session.conflict_version_id === null
      ? await addVersion(context, 'conflict')
      : await moveVersion(context, session.conflict_version_id, 'conflict')
  await updateSession(tx, session.key, {
    conflict_version_id: version.id,
    latest_save_id: save.saveId,
    content_version_id: version.id,
  })
  return { outcome: 'conflict', version, headChanged: false }
}

/** What a failed conversion left may be damaged: kept for people to look at, never as head. */
async function keepRecovery(context: Context): Promise<AppliedSave> {
  const { tx, session, save } = context
  if (save.blob === 'unchanged') return unmoved('duplicate')
  const isReplay = await hasEqualSave(tx, {
    key: session.key,
    status: save.status,
    lastsave: save.lastsave,
    sha256: save.blob.sha256,
  })
  if (isReplay) return unmoved('duplicate')
  const version =
    session.recovery_version_id === null
      ? await addVersion(context, 'recovery')
      : await moveVersion(context, session.recovery_version_id, 'recovery')
  await updateSession(tx, session.key, { recovery_version_id: version.id })
  return { outcome: 'recovery', version, headChanged: false }
}

async function addVersion(context: Context, kind: VersionKind): Promise<VersionRow> {
  const { tx, session, save, now, keyPrefix } = context
  return insertVersion(tx, {
    id: randomUUIDv7(),
    document_id: session.document_id,
    number: await nextVersionNumber(tx, session.document_id),
    kind,
    session_key: session.key,
    key: newKey(keyPrefix),
    created_at: now,
    description: null,
    changes_sha256: null,
    history: null,
    ...bytesOf(save, now),
    ...changesOf(save),
  })
}

function moveVersion(context: Context, id: string, kind: VersionKind): Promise<VersionRow> {
  const { tx, save, now } = context
  return updateVersion(tx, id, { kind, ...bytesOf(save, now), ...changesOf(save) })
}

function bytesOf(save: DurableSave, now: string) {
  if (save.blob === 'unchanged') throw new Error('a save without bytes of its own makes no version')
  return {
    sha256: save.blob.sha256,
    size: save.blob.size,
    file_type: save.fileType,
    author_id: save.author.id,
    author_name: save.author.name,
    updated_at: now,
  }
}

function changesOf(save: DurableSave) {
  return {
    ...(save.changes === undefined ? {} : { changes_sha256: save.changes.sha256 }),
    ...(save.history === undefined ? {} : { history: save.history }),
  }
}
