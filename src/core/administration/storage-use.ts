import { statfs } from 'node:fs/promises'
import { bytesInTrash, type CountedRows, countRows } from '../../metadata/storage-use.ts'
import type { Deps } from '../deps.ts'

/** Walking through all blobs takes its time; a sum of this age is shown again. */
const FRESH_MS = 10 * 60_000

export type StorageUse = CountedRows & {
  trashBytes: number
  freeBytes: number
  diskBytes: number
  /** Undefined while they are counted for the first time. */
  blobs: BlobSum | undefined
  isCounting: boolean
}

export type BlobSum = { count: number; bytes: number; countedAt: string }

/** What is stored and what is left. Blobs are counted in the background, once for all who ask. */
export function createStorageMeter(
  deps: Pick<Deps, 'database' | 'blobs' | 'clock' | 'config' | 'log'>,
): () => Promise<StorageUse> {
  let sum: BlobSum | undefined
  let counting: Promise<void> | undefined

  async function count(): Promise<void> {
    const counted = { count: 0, bytes: 0 }
    for await (const { size } of deps.blobs.list()) {
      counted.count += 1
      counted.bytes += size
    }
    sum = { ...counted, countedAt: deps.clock().toISOString() }
  }

  return async () => {
    const isFresh = sum !== undefined && deps.clock().getTime() - Date.parse(sum.countedAt) < FRESH_MS
    if (!isFresh) {
      counting ??= count()
        .catch((error: unknown) => deps.log.warn({ err: error }, 'blobs not counted'))
        .finally(() => {
          counting = undefined
        })
    }
    const { bavail, bsize, blocks } = await statfs(deps.config.DATA_DIR)
    return {
      ...(await countRows(deps.database)),
      trashBytes: await bytesInTrash(deps.database),
      freeBytes: bavail * bsize,
      diskBytes: blocks * bsize,
      blobs: sum,
      isCounting: counting !== undefined,
    }
  }
}
