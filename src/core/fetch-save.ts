import pRetry, { AbortError } from 'p-retry'
import { isProblem, Problem } from '../errors.ts'
import { checkContent } from './content-type.ts'
import type { Deps } from './deps.ts'
import { formatOf, isPlainText } from './formats.ts'
import type { BlobRef, DocServer, RandomAccess } from './ports.ts'

/** A changes archive beyond this is left out: it must never cost the save. */
const MAX_CHANGES_BYTES = 256 * 1024 ** 2
const CHANGES_TIMEOUT_MS = 15_000

/**
 * Brings the bytes of a save home, durable and of the announced type. Connection faults,
 * truncation, stalls and 5xx are tried again for `DOWNLOAD_RETRY_S`, everything else is refused at once.
 *
 * @throws Problem `download-refused`, `download-failed`, `content-not-as-announced`, `storage-unavailable`
 */
export async function fetchSave(
  { blobs, config }: Pick<Deps, 'blobs' | 'config'>,
  docServer: DocServer,
  { url, fileType }: { url: string; fileType: string },
): Promise<BlobRef> {
  const retryUntil = performance.now() + config.DOWNLOAD_RETRY_S * 1000
  return pRetry(() => fetchOnce({ blobs, config }, docServer, { url, fileType }), {
    retries: 1000,
    minTimeout: 200,
    maxTimeout: 5000,
    shouldRetry: ({ error }) => isProblem(error, 'download-failed') && performance.now() < retryUntil,
  }).catch((error: unknown) => {
    throw error instanceof AbortError ? error.originalError : error
  })
}

async function fetchOnce(
  { blobs, config }: Pick<Deps, 'blobs' | 'config'>,
  docServer: DocServer,
  { url, fileType }: { url: string; fileType: string },
): Promise<BlobRef> {
  const download = await docServer.download(url, { maxBytes: config.MAX_FILE_BYTES })
  try {
    return await blobs.put(download.bytes, {
      maxBytes: config.MAX_FILE_BYTES,
      inspect: (bytes) => checkAnnounced(bytes, fileType),
    })
  } catch (error) {
    download.bytes.destroy()
    // To Document Server these are passing faults: it keeps the edits and asks again.
    if (isProblem(error, 'content-mismatch')) {
      throw new Problem('content-not-as-announced', error.message, { cause: error })
    }
    if (isProblem(error, 'upload-too-large')) {
      throw new Problem('download-refused', error.message, { cause: error })
    }
    throw error
  }
}

/** Brings bytes home that nobody vouches for. @throws Problem as `fetchSave` */
export async function fetchUnchecked(
  { blobs, config }: Pick<Deps, 'blobs' | 'config'>,
  docServer: DocServer,
  url: string,
): Promise<BlobRef> {
  const { bytes } = await docServer.download(url, { maxBytes: config.MAX_FILE_BYTES })
  return blobs.put(bytes, { maxBytes: config.MAX_FILE_BYTES })
}

/** Text has no marks that could be wrong, and a type that we do not know is Document Server's own business. */
async function checkAnnounced(bytes: RandomAccess, fileType: string): Promise<void> {
  if (isPlainText(fileType)) return
  if (bytes.size === 0) throw new Problem('content-not-as-announced', 'the file is empty')
  if (formatOf(fileType) !== undefined) await checkContent(bytes, fileType, 'family')
}

/** The archive of single changes for the editor's history, undefined when it cannot be had in time. */
export async function fetchChanges(
  { blobs, log }: Pick<Deps, 'blobs' | 'log'>,
  docServer: DocServer,
  url: string,
  saveFailed: AbortSignal,
): Promise<BlobRef | undefined> {
  try {
    const { bytes } = await docServer.download(url, {
      maxBytes: MAX_CHANGES_BYTES,
      signal: AbortSignal.any([saveFailed, AbortSignal.timeout(CHANGES_TIMEOUT_MS)]),
    })
    return await blobs.put(bytes, { maxBytes: MAX_CHANGES_BYTES })
  } catch (error) {
    log.warn({ err: error }, 'changes archive not kept, history shows this version without changes')
    return undefined
  }
}
