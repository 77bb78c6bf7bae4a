import { setTimeout as delay } from 'node:timers/promises'
import { Problem } from '../errors.ts'

const POLL_MS = 100
const LONGEST_WAIT_MS = 15_000
const RETRY_AFTER_S = 30

/**
 * What is being deleted, known to all processes that share the bucket. S3 does not delete on a condition:
 * between the look at an object's age and its deletion another process may store the same bytes again.
 * So a deletion is said before the look, and whoever has stored bytes asks: what is said later finds
 * them young, what was said before is waited for, and they are stored once more.
 */
export type Deletions = {
  /** @returns ends it; undefined while another one of the same bytes is under way */
  begin(sha256: string): Promise<(() => Promise<void>) | undefined>
  /** Also false for one whose process has ended in the middle, once it cannot reach S3 any more. */
  isUnderWay(sha256: string): Promise<boolean>
}

/** Nobody else deletes. */
export const NO_DELETIONS: Deletions = { begin: async () => async () => {}, isUnderWay: async () => false }

/** @throws Problem `storage-unavailable`: it takes too long */
export async function deletionEnded(deletions: Deletions, sha256: string): Promise<void> {
  const until = performance.now() + LONGEST_WAIT_MS
  while (await deletions.isUnderWay(sha256)) {
    if (performance.now() > until) {
      const detail = 'the same bytes are just being deleted'
      throw new Problem('storage-unavailable', detail, { retryAfterS: RETRY_AFTER_S })
    }
    await delay(POLL_MS)
  }
}
