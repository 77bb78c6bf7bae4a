import { randomUUIDv7 } from 'node:crypto'
import { text } from 'node:stream/consumers'
import pRetry from 'p-retry'
import { isProblem, Problem } from '../errors.ts'
import { documentById } from '../metadata/documents.ts'
import { peopleById } from '../metadata/people.ts'
import { saveById } from '../metadata/saves.ts'
import type { DocumentRow, SessionRow, Tx } from '../metadata/schema.ts'
import {
  countSubmissions,
  findSubmission,
  hasEqualSubmission,
  insertSubmission,
  type SubmissionRow,
  submissionsOf,
} from '../metadata/submissions.ts'
import { versionById } from '../metadata/versions.ts'
import { recordActivity } from './activity.ts'
import type { User } from './callers.ts'
import type { Deps } from './deps.ts'
import type { BlobRef, DocServer, RandomAccess } from './ports.ts'
import type { AppliedSave, DurableSave } from './save-rules.ts'

/** More of a form's data is left out. */
const MAX_DATA_BYTES = 10 * 1024 ** 2
const DATA_TIMEOUT_MS = 15_000

/**
 * The fields of a submitted form as Document Server offers them beside the PDF; undefined when they
 * cannot be had: the PDF holds the same and must be saved all the same.
 */
export async function fetchFormData(
  { blobs, config, log }: Pick<Deps, 'blobs' | 'config' | 'log'>,
  docServer: DocServer,
  url: string,
  saveFailed: AbortSignal,
): Promise<BlobRef | undefined> {
  const retryUntil = performance.now() + config.DOWNLOAD_RETRY_S * 1000
  // Document Server waits for our answer meanwhile.
  const signal = AbortSignal.any([saveFailed, AbortSignal.timeout(DATA_TIMEOUT_MS)])
  const fetchOnce = async () => {
    const { bytes } = await docServer.download(url, { maxBytes: MAX_DATA_BYTES, signal })
    return blobs.put(bytes, { maxBytes: MAX_DATA_BYTES, inspect: checkFormData })
  }
  try {
    return await pRetry(fetchOnce, {
      retries: 1000,
      minTimeout: 200,
      maxTimeout: 5000,
      signal,
      shouldRetry: ({ error, attemptNumber }) =>
        // One blip of our own storage is no reason to give it up.
        (isProblem(error, 'storage-unavailable') && attemptNumber === 1) ||
        (isProblem(error, 'download-failed') && performance.now() < retryUntil),
    })
  } catch (error) {
    log.warn({ err: error }, 'data of a submitted form not kept, its PDF is')
    return undefined
  }
}

async function checkFormData(bytes: RandomAccess): Promise<void> {
  const written = await bytes.read(0, bytes.size)
  let data: unknown
  try {
    data = JSON.parse(written.toString())
  } catch (error) {
    throw new Problem('content-not-as-announced', 'the data of the form is no JSON', { cause: error })
  }
  if (typeof data !== 'object' || data === null)
    throw new Problem('content-not-as-announced', 'the data of the form is neither a list nor an object')
}

export type FormSave = {
  session: SessionRow
  save: DurableSave
  data: BlobRef | undefined
  submitter: User
  applied: AppliedSave
  at: string
}

/**
 * A submitted form, kept beside the version that its save became. To be called inside the
 * transaction that ends the save: sent again, the same submission is one.
 */
export async function recordSubmission(
  tx: Tx,
  { session, save, data, submitter, applied, at }: FormSave,
): Promise<void> {
  if (save.blob === 'unchanged') return
  const { sha256, size } = save.blob
  const { key, document_id: documentId } = session
  const { lastsave } = save
  if (await hasEqualSubmission(tx, { key, userId: submitter.id, lastsave, sha256 })) return

  const { workspace_id: workspaceId } = await documentById(tx, documentId)
  const user = await namedUser(tx, workspaceId, submitter)
  const id = randomUUIDv7()
  await insertSubmission(tx, {
    id,
    document_id: documentId,
    save_id: save.saveId,
    user_id: user.id,
    user_name: user.name,
    sha256,
    size,
    file_type: save.fileType,
    data_sha256: data?.sha256 ?? null,
    created_at: at,
  })
  await recordActivity(tx, {
    workspaceId,
    documentId,
    actor: user,
    action: 'form-submitted',
    at,
    detail: {
      submissionId: id,
      versionNumber: await versionNumberOf(tx, session, applied),
      hasData: data !== undefined,
    },
  })
}

/** A callback may call a user by the id alone. */
async function namedUser(tx: Tx, workspaceId: string, user: User): Promise<User> {
  if (user.name !== user.id) return user
  const [person] = await peopleById(tx, workspaceId, [user.id])
  return { id: user.id, name: person?.name ?? user.name }
}

/** A form that brought nothing new is in the version that was there already. */
async function versionNumberOf(
  tx: Tx,
  session: SessionRow,
  { version }: AppliedSave,
): Promise<number | undefined> {
  if (version !== undefined) return version.number
  const latest = session.latest_save_id === null ? undefined : await saveById(tx, session.latest_save_id)
  return latest?.version_id ? (await versionById(tx, latest.version_id)).number : undefined
}

/** Newest first. */
export async function listSubmissions(
  { database }: Pick<Deps, 'database'>,
  { id }: Pick<DocumentRow, 'id'>,
  part: { skip: number; take: number },
): Promise<{ submissions: SubmissionRow[]; totalCount: number }> {
  const submissions = await submissionsOf(database, id, part)
  return { submissions, totalCount: await countSubmissions(database, id) }
}

/** @throws Problem `submission-not-found`, also for another document's */
export async function submissionOf(
  { database }: Pick<Deps, 'database'>,
  { id }: Pick<DocumentRow, 'id'>,
  submissionId: string,
): Promise<SubmissionRow> {
  const submission = await findSubmission(database, id, submissionId)
  if (submission === undefined) throw new Problem('submission-not-found')
  return submission
}

/** What was filled in, as Document Server gave it; null when it did not. @throws Problem `blob-missing` */
export async function submittedData(
  { blobs }: Pick<Deps, 'blobs'>,
  { data_sha256 }: SubmissionRow,
): Promise<unknown> {
  return data_sha256 === null ? null : JSON.parse(await text(await blobs.get(data_sha256)))
}
