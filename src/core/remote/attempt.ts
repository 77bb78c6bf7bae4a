import { randomUUIDv7 } from 'node:crypto'
import { isProblem, Problem } from '../../errors.ts'
import { keepAttachment } from '../../metadata/attachments.ts'
import { documentById } from '../../metadata/documents.ts'
import { updateClaimed } from '../../metadata/remote-files.ts'
import type { DocumentRow, RemoteFileRow, VersionRow } from '../../metadata/schema.ts'
import { versionById } from '../../metadata/versions.ts'
import { clientById } from '../api-keys.ts'
import type { Deps } from '../deps.ts'
import { mimeTypeOf } from '../formats.ts'
import type { RemoteAnswer } from '../ports.ts'
import { afterSeconds } from '../sessions.ts'
import { ClaimLost, settleConflict } from './conflict.ts'
import { lookAtRemote, type ReadDeps, type Sending, unansweredOf } from './content.ts'
import { noteDelivered, noteGivenUp, noteTrouble } from './outcome.ts'
import { fileHeaders } from './signature.ts'

/** Slower receivers are tried again later. */
const LEAST_BYTES_PER_MS = 200
const SHORTEST_MS = 60_000
/** How long what a webhook names can be fetched. */
const DOWNLOAD_S = 3600
const MOST_UNANSWERED = 50

export type AttemptDeps = ReadDeps &
  Pick<
    Deps,
    | 'database'
    | 'docServer'
    | 'events'
    | 'keyPrefix'
    | 'log'
    | 'addressSeal'
    | 'downloadAddress'
    | 'blobs'
    | 'clock'
  >

/** One document that is to be delivered, with what is delivered now: its newest bytes. */
type Parcel = { row: RemoteFileRow; document: DocumentRow; head: VersionRow; signal: AbortSignal }

/** Longest time that sending may take. */
export function sendingLimitMs(bytes: number): number {
  return SHORTEST_MS + Math.ceil(bytes / LEAST_BYTES_PER_MS)
}

/**
 * One attempt to bring a claimed document to where it is kept: what lies there is looked at, and only
 * what we know is overwritten.
 */
export async function attemptDelivery(
  deps: AttemptDeps,
  claimed: RemoteFileRow,
  signal: AbortSignal,
): Promise<void> {
  try {
    const client = await clientById(deps, claimed.api_key_id)
    const document = await documentById(deps.database, claimed.document_id)
    const head = await versionById(deps.database, document.head_version_id)
    const isDelivered = head.sha256 === claimed.sha256 && unansweredOf(claimed).length === 0
    if (isDelivered || claimed.write_url === null) return await noteDelivered(deps, claimed, {})

    const theirs = await lookAtRemote(deps, claimed, { signal })
    if (theirs.kind === 'known') {
      const row = { ...claimed, sha256: theirs.blob.sha256, etag: theirs.etag ?? null }
      await deliver(deps, { row, document, head, signal })
      return
    }
    if (claimed.write_method === 'webhook') {
      const { status, error } = await tell(deps, { row: claimed, document, head, signal }, 'file.conflict')
      if (!isGood(status)) return await noteTrouble(deps, claimed, error, signal)
    }
    await settleConflict(deps, client, claimed, document, theirs)
  } catch (error) {
    if (error instanceof ClaimLost) return
    if (isProblem(error, 'token-invalid')) return noteGivenUp(deps, claimed, error.message)
    if (error instanceof Problem) return noteTrouble(deps, claimed, error.message, signal)
    throw error
  }
}

async function deliver(deps: AttemptDeps, parcel: Parcel): Promise<void> {
  const { row, head, signal } = parcel
  if (head.sha256 === row.sha256) return noteDelivered(deps, row, row)
  const { status, error, etag } =
    row.write_method === 'webhook' ? await tell(deps, parcel, 'file.saved') : await put(deps, parcel)
  if (isGood(status)) return noteDelivered(deps, row, { sha256: head.sha256, etag: etag ?? null })
  // It was changed since we looked: the next attempt compares the bytes themselves.
  const change = status === 412 ? { etag: null } : {}
  await noteTrouble(deps, row, error, signal, change)
}

async function put(deps: AttemptDeps, parcel: Parcel): Promise<RemoteAnswer> {
  const { row, head, signal } = parcel
  if (head.file_type !== row.file_type) {
    const error = `the editor made a .${head.file_type} of the .${row.file_type}, which a PUT would damage`
    return { status: undefined, error, etag: undefined }
  }
  const id = await noteSending(deps, parcel, 'PUT')
  return deps.remoteFiles.write({
    url: deps.addressSeal.open(row.write_url ?? ''),
    headers: fileHeaders(deps, { apiKeyId: row.api_key_id, id, signed: head.sha256 }),
    bytes: await deps.blobs.get(head.sha256),
    size: head.size,
    mediaType: mimeTypeOf(head.file_type),
    etag: row.etag ?? undefined,
    timeLimitMs: sendingLimitMs(head.size),
    signal,
  })
}

/** They fetch it themselves; the address names these bytes, whatever the head is by then. */
async function tell(
  deps: AttemptDeps,
  parcel: Parcel,
  type: 'file.saved' | 'file.conflict',
): Promise<RemoteAnswer> {
  const { row, document, head, signal } = parcel
  const { sha256, size, file_type: extension } = head
  const expiresAt = afterSeconds(deps.clock(), DOWNLOAD_S)
  await keepAttachment(deps.database, { sha256, documentId: document.id, expiresAt })
  const id = await noteSending(deps, parcel, type)
  const data = {
    key: row.name_key,
    documentId: document.id,
    versionNumber: head.number,
    fileType: extension,
    size,
    sha256,
    url: deps.downloadAddress(document.id, { sha256, extension }, DOWNLOAD_S),
    expiresAt,
    user: { id: head.author_id, name: head.author_name },
  }
  const body = JSON.stringify({ type, timestamp: deps.clock().toISOString(), data })
  return deps.remoteFiles.post({
    url: deps.addressSeal.open(row.write_url ?? ''),
    headers: fileHeaders(deps, { apiKeyId: row.api_key_id, id, signed: body }),
    body,
    signal,
  })
}

/**
 * Noted before it is sent: what arrived without our hearing of it must not look like a change of theirs.
 *
 * @returns the same id on each attempt to send these bytes
 */
async function noteSending(
  { database }: Pick<Deps, 'database'>,
  { row, head: { sha256 } }: Parcel,
  type: string,
): Promise<string> {
  const before = unansweredOf(row)
  const latest = before.at(-1)
  if (latest?.type === type && latest.sha256 === sha256) return latest.id
  const sending: Sending = { id: randomUUIDv7(), type, sha256 }
  const unanswered = JSON.stringify([...before, sending].slice(-MOST_UNANSWERED))
  if (!(await updateClaimed(database, row, { unanswered }))) throw new ClaimLost()
  return sending.id
}

function isGood(status: number | undefined): boolean {
  return status !== undefined && status >= 200 && status < 300
}
