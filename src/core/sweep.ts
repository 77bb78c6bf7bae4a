import { isBlobMentioned } from '../metadata/saves.ts'
import type { Deps } from './deps.ts'

/** Younger blobs may belong to a row that is just being written. */
const SPARED_MS = 24 * 3600_000

/** Deletes blobs that no version and no save mentions. @returns how many */
export async function sweepBlobs({
  blobs,
  database,
  clock,
  log,
}: Pick<Deps, 'blobs' | 'database' | 'clock' | 'log'>): Promise<number> {
  let swept = 0
  const before = new Date(clock().getTime() - SPARED_MS)
  for await (const { sha256, storedAt } of blobs.list()) {
    if (storedAt >= before || (await isBlobMentioned(database, sha256))) continue
    await blobs.delete(sha256, before)
    swept += 1
  }
  if (swept > 0) log.info({ swept }, 'unreferenced blobs deleted')
  return swept
}
