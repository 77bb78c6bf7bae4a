import { resolve } from 'node:path'
import type { Config } from '../config.ts'
import type { BlobStore } from '../core/ports.ts'
import type { Deletions } from './deletions.ts'
import { DiskBlobs, type Files } from './disk.ts'
import { s3Address } from './s3-address.ts'

/** What `server.ts` needs of the store that `BLOBS_URL` names. */
export type OpenedBlobs = BlobStore & {
  /** Once, by the one process that owns the data folder, before its first put. @throws Problem `storage-unavailable` */
  removeLeftovers(): Promise<void>
  /**
   * Says whose blobs these are, unless that is said already: another installation would sweep away what
   * it does not mention. On disk the lock of the folder keeps others out.
   *
   * @param isOver whatever is said already
   * @returns the installation whose they are
   * @throws Problem `storage-unavailable`
   */
  claim(installation: string, options?: { isOver?: boolean }): Promise<string>
  /** Whether the storage answers now; asked anew each time. */
  isReachable(): Promise<boolean>
  close(): Promise<void>
}

/**
 * Opens the storage that `BLOBS_URL` names, without asking S3 anything.
 *
 * @throws Problem `storage-unavailable`; Error `BLOBS_URL: …`
 */
export async function openBlobs(
  config: Pick<Config, 'BLOBS_URL' | 'DATA_DIR' | 'BLOB_CACHE_BYTES'>,
  { files, deletions }: { files?: Files | undefined; deletions?: Deletions } = {},
): Promise<OpenedBlobs> {
  const { BLOBS_URL, DATA_DIR, BLOB_CACHE_BYTES } = config
  const given = files === undefined ? {} : { files }
  const shared = deletions === undefined ? {} : { deletions }
  if (BLOBS_URL.startsWith('file:')) {
    return DiskBlobs.open({ root: resolve(BLOBS_URL.slice('file:'.length)), ...given })
  }
  const address = s3Address(BLOBS_URL)
  // Loaded only where it is used: the SDK costs memory and time.
  const { S3Blobs } = await import('./s3.ts')
  return S3Blobs.open({ address, root: DATA_DIR, cacheBytes: BLOB_CACHE_BYTES, ...shared, ...given })
}
