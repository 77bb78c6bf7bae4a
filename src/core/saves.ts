import { randomUUIDv7 } from 'node:crypto'
import pRetry from 'p-retry'
import { isProblem, Problem } from '../errors.ts'
import { withoutQuery } from '../log.ts'
import { documentById } from '../metadata/documents.ts'
import { failSave, insertSave, resolveFailures, saveById, updateSave } from '../metadata/saves.ts'
import type { SaveOutcome, SessionRow } from '../metadata/schema.ts'
import { sessionByKey, updateSession } from '../metadata/sessions.ts'
import type { User } from './callers.ts'
import type { Deps } from './deps.ts'
import { fetchChanges, fetchSave } from './fetch-save.ts'
import type { Held } from './locks.ts'
import type { BlobRef, DocServer } from './ports.ts'
import { recordSave } from './save-activity.ts'
import { type AppliedSave, applySave, type DurableSave } from './save-rules.ts'
import { type FormSave, fetchFormData, recordSubmission } from './submissions.ts'

/** A callback that carries bytes (2, 6) or says that they could not be made (3, 7). */
export type IncomingSave = {
  key: string
  status: 2 | 3 | 6 | 7
  url: string | undefined
  /** Extension of the bytes; absent in older Document Servers: then the document's own. */
  fileType: string | undefined
  /** ISO 8601, time of the last change included. */
  lastsave: string | undefined
  /** Only on 2: the last forced save held exactly this. */
  notModified: boolean
  /** 0 command, 1 button, 2 timer, 3 form. */
  forcesaveType: number | undefined
  userdata: string | undefined
  author: { id: string; name: string }
  changesUrl: string | undefined
  /** JSON text of `history`. */
  history: string | undefined
  /** A form that was handed in, not only saved. */
  form?: { dataUrl: string | undefined; submitter: User } | undefined
}

export type TakenSave = {
  outcome: SaveOutcome | undefined
  documentId: string
  versionNumber: number | undefined
}

/** `userdata` of forced saves that an integrator asked for starts with it. */
export const API_SAVE_MARK = 'api:'

type SaveDeps = Pick<
  Deps,
  | 'database'
  | 'commits'
  | 'blobs'
  | 'config'
  | 'clock'
  | 'events'
  | 'locks'
  | 'keyPrefix'
  | 'log'
  | 'docServer'
>

/**
 * Takes a save: journal row → bytes durable → one transaction with version, head and key → done.
 * When it resolves, the edits are safe and Document Server may be told 200.
 *
 * Saves of one key run one at a time, in the order of arrival; the journal row is made before
 * waiting, so that openers know of it.
 *
 * @throws Problem `key-unknown`; `save-without-url` (3 without bytes: only a refusal keeps the edits
 *   alive in Document Server); `download-refused`, `download-failed`, `content-not-as-announced`,
 *   `storage-unavailable` (passing: Document Server asks again); `document-server-missing`
 */
export async function takeSave(deps: SaveDeps, save: IncomingSave): Promise<TakenSave> {
  const session = await sessionByKey(deps.database, save.key)
  if (session === undefined) throw new Problem('key-unknown')

  const { url } = save
  if (url === undefined) return noteFailedConversion(deps, session, save)

  const saveId = randomUUIDv7()
  try {
    const row = journalRow(deps, session, save, saveId)
    await deps.commits.run((tx) => insertSave(tx, row))
    await announce(deps, session.document_id, { state: 'saving' })
    return await deps.locks.run(save.key, (held) => store(deps, session, { ...save, url }, { saveId, held }))
  } catch (error) {
    await noteFailure(deps, session, save, saveId, error)
    throw error
  }
}

/** Status 7 answered 200 changes nothing, editing goes on; status 3 answered 200 makes Document Server delete the edits. */
async function noteFailedConversion(
  deps: SaveDeps,
  session: SessionRow,
  save: IncomingSave,
): Promise<TakenSave> {
  const now = deps.clock().toISOString()
  const saveId = randomUUIDv7()
  const row = {
    ...journalRow(deps, session, save, saveId),
    state: 'failed' as const,
    error: 'save-without-url',
    finished_at: now,
  }
  await deps.commits.run(async (tx) => {
    await insertSave(tx, row)
    await recordSave(tx, failedSave(session, save, saveId, row.error, now))
  })
  await announce(deps, session.document_id, { state: 'not-saved' })
  if (save.status !== 7) throw new Problem('save-without-url')
  return { outcome: undefined, documentId: session.document_id, versionNumber: undefined }
}

async function store(
  deps: SaveDeps,
  { key, document_id: documentId }: SessionRow,
  save: IncomingSave & { url: string },
  { saveId, held }: { saveId: string; held: Held },
): Promise<TakenSave> {
  if (deps.docServer === undefined) throw new Problem('document-server-missing')

  const fileType = save.fileType ?? (await documentById(deps.database, documentId)).file_type
  const cutsVersion =
    save.status === 2 || save.forcesaveType === 1 || save.forcesaveType === 3 || isApiSave(save)
  const { blob, changes, formData } = await fetchAll(deps, deps.docServer, save, {
    fileType,
    changesUrl: cutsVersion ? save.changesUrl : undefined,
  })
  const durable: DurableSave = {
    saveId,
    status: save.status,
    forcesaveType: save.forcesaveType,
    isApiSave: isApiSave(save),
    lastsave: save.lastsave ?? null,
    fileType,
    author: save.author,
    blob,
    changes,
    history: cutsVersion ? save.history : undefined,
  }
  const submission = save.form && { submitter: save.form.submitter, data: formData }
  const applied = await finishSave(deps, key, durable, { held, submission })
  await tellStored(deps, key, documentId, save, saveId, applied)
  return { outcome: applied.outcome, documentId, versionNumber: applied.version?.number }
}

/** The save's bytes and, beside them and never at their price, its changes archive and form data. */
async function fetchAll(
  deps: SaveDeps,
  docServer: DocServer,
  save: IncomingSave & { url: string },
  { fileType, changesUrl }: { fileType: string; changesUrl: string | undefined },
) {
  const failed = new AbortController()
  const archive =
    changesUrl === undefined ? undefined : fetchChanges(deps, docServer, changesUrl, failed.signal)
  const dataUrl = save.form?.dataUrl
  const formData = dataUrl === undefined ? undefined : fetchFormData(deps, docServer, dataUrl, failed.signal)
  try {
    const blob = await bytesOf(deps, docServer, save, { url: save.url, fileType })
    return { blob, changes: await archive, formData: await formData }
  } catch (error) {
    failed.abort()
    throw error
  }
}

function isApiSave(save: IncomingSave): boolean {
  return save.userdata?.startsWith(API_SAVE_MARK) ?? false
}

/** With `notmodified` and the `lastsave` of the latest stored save, the same edits are here already. */
async function bytesOf(
  deps: SaveDeps,
  docServer: DocServer,
  save: IncomingSave,
  source: { url: string; fileType: string },
): Promise<BlobRef | 'unchanged'> {
  if (save.status === 2 && save.notModified && save.lastsave !== undefined) {
    const session = await sessionByKey(deps.database, save.key)
    const latest = session?.latest_save_id ? await saveById(deps.database, session.latest_save_id) : undefined
    if (latest?.lastsave === save.lastsave) return 'unchanged'
  }
  return fetchSave(deps, docServer, source)
}

/**
 * The one transaction that makes a save count. Shared with recovery.
 *
 * @throws Problem `lease-lost`: another node has taken the key over, and this one has done nothing
 * @param held what nobody else works on the key by
 * @param isForgotten the bytes were found in Document Server's forgotten store
 * @param submission the bytes are a form that was handed in
 */
export async function finishSave(
  { commits, clock, keyPrefix }: Pick<Deps, 'commits' | 'clock' | 'keyPrefix'>,
  key: string,
  save: DurableSave,
  {
    held,
    isForgotten = false,
    submission,
  }: { held: Held; isForgotten?: boolean; submission?: Pick<FormSave, 'submitter' | 'data'> | undefined },
): Promise<AppliedSave> {
  const now = clock().toISOString()
  return commits.run(async (tx) => {
    await held.demand(tx)
    const session = await sessionByKey(tx, key)
    if (session === undefined) throw new Problem('key-unknown')
    const applied = await applySave({ tx, session, save, now, keyPrefix })
    await updateSave(tx, save.saveId, {
      state: 'stored',
      outcome: applied.outcome,
      file_type: save.fileType,
      sha256: save.blob === 'unchanged' ? null : save.blob.sha256,
      size: save.blob === 'unchanged' ? null : save.blob.size,
      version_id: applied.version?.id ?? null,
      finished_at: now,
    })
    if (bringsHome(save, applied.outcome)) await resolveFailures(tx, key, save.saveId)
    await updateSession(tx, key, {
      last_callback_at: now,
      ...(save.status === 2 ? { editors: '[]', next_forcesave_at: null } : {}),
    })
    await recordSave(tx, {
      documentId: session.document_id,
      saveId: save.saveId,
      author: save.author,
      at: now,
      outcome: applied.outcome,
      versionNumber: applied.version?.number,
      isForgotten,
    })
    if (submission !== undefined)
      await recordSubmission(tx, { session, save, applied, at: now, ...submission })
    return applied
  })
}

/** Whether the save holds what earlier failed ones of its key would have brought. */
function bringsHome({ status }: DurableSave, outcome: SaveOutcome): boolean {
  return status === 2 || outcome === 'draft' || outcome === 'cut' || outcome === 'conflict'
}

function journalRow(
  { config, clock }: Pick<Deps, 'config' | 'clock'>,
  session: SessionRow,
  save: IncomingSave,
  saveId: string,
) {
  return {
    id: saveId,
    key: save.key,
    document_id: session.document_id,
    node: config.NODE_NAME,
    status: save.status,
    forcesave_type: save.forcesaveType ?? null,
    lastsave: save.lastsave ?? null,
    url_path: save.url === undefined ? null : withoutQuery(save.url),
    userdata: save.userdata ?? null,
    author_id: save.author.id,
    state: 'receiving' as const,
    received_at: clock().toISOString(),
  }
}

async function noteFailure(
  deps: SaveDeps,
  session: SessionRow,
  save: IncomingSave,
  saveId: string,
  error: unknown,
): Promise<void> {
  const code = isProblem(error) ? error.code : 'internal'
  await surely(deps.log, () =>
    deps.commits.run(async (tx) => {
      const now = deps.clock().toISOString()
      const isFailed = await failSave(tx, saveId, code, now)
      if (isFailed) await recordSave(tx, failedSave(session, save, saveId, code, now))
    }),
  )
  await announce(deps, session.document_id, { state: 'not-saved' })
}

function failedSave(
  { document_id: documentId }: SessionRow,
  { author }: IncomingSave,
  saveId: string,
  error: string,
  at: string,
) {
  return { documentId, saveId, author, at, outcome: 'failed' as const, error }
}

/**
 * Ends a journal row now, or as soon as the database takes it: while a final save counts as in
 * flight, openers wait for it.
 */
export async function surely(log: Deps['log'], note: () => Promise<void>): Promise<void> {
  await note().catch((error: unknown) => {
    log.error({ err: error }, 'end of a save not noted yet')
    void pRetry(note, { retries: 1000, minTimeout: 500, maxTimeout: 5000, unref: true }).catch(() => {})
  })
}

/** Others are told, but a deaf backplane must not turn a stored save into a failed one. */
async function tellStored(
  deps: SaveDeps,
  key: string,
  documentId: string,
  save: IncomingSave,
  saveId: string,
  { outcome, version, headChanged }: AppliedSave,
): Promise<void> {
  const { events, log } = deps
  const isNewHead = version !== undefined && save.status === 2 && (headChanged || outcome === 'finalized')
  await announce(deps, documentId, {
    state: outcome === 'recovery' ? 'not-saved' : 'saved',
    ...(version === undefined ? {} : { versionNumber: version.number }),
  })
  try {
    await events.saveStored(key, {
      saveId,
      status: save.status,
      userdata: save.userdata ?? null,
      versionId: version?.id ?? null,
    })
    if (isNewHead) await events.publish(documentId, { type: 'head-changed', versionNumber: version.number })
  } catch (error) {
    log.warn({ err: error, key }, 'others not told of a stored save')
  }
}

async function announce(
  { events, clock, log }: Pick<Deps, 'events' | 'clock' | 'log'>,
  documentId: string,
  what: { state: 'saving' | 'saved' | 'not-saved'; versionNumber?: number },
): Promise<void> {
  await events
    .publish(documentId, { type: 'save-state', at: clock().toISOString(), ...what })
    .catch((error: unknown) => log.warn({ err: error }, 'pages not told of a save'))
}
