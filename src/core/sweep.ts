import { pruneAttachments } from '../metadata/attachments.ts'
import { mentionedAmong } from '../metadata/mentions.ts'
import { pruneSaves } from '../metadata/saves.ts'
import type { Deps } from './deps.ts'
import type { StoredBlob } from './ports.ts'
import { pruneRepeats } from './repeats.ts'
import { applyRetention, purgeTrash } from './retention.ts'
import { pruneEmbeds } from './sharing/embeds.ts'
import { pruneThumbnails } from './thumbnails/prune.ts'
import { pruneEpochs } from './updates/updates.ts'

/** Younger blobs may belong to a row that is just being written. */
const SPARED_MS = 24 * 3600_000

/** A draft's earlier bytes are history after a day; other saves are kept for people to look into. */
const DRAFTS_KEPT_MS = 24 * 3600_000
const SAVES_KEPT_MS = 30 * 24 * 3600_000

/** Blobs. Eight columns are asked for each: well below 32,766 parameters, the most that SQLite takes. */
const LOOKED_AT_ONCE = 500

const STEPS: readonly ((deps: Parameters<typeof sweep>[0]) => Promise<unknown>)[] = [
  pruneRepeats,
  pruneEmbeds,
  ({ database, clock }) => pruneAttachments(database, clock().toISOString()),
  pruneEpochs,
  purgeTrash,
  applyRetention,
  pruneThumbnails,
  sweepBlobs,
]

/** The hourly round: everything that has outlived its time. */
export async function sweep(
  deps: Pick<Deps, 'blobs' | 'database' | 'clock' | 'config' | 'log'>,
): Promise<void> {
  for (const step of STEPS) {
    // What one step stumbles over keeps none of the others from their work.
    await step(deps).catch((error: unknown) =>
      deps.log.error({ err: error, step: step.name }, 'sweep failed'),
    )
  }
}

/** Forgets old saves, then deletes the blobs that no version and no save mentions. @returns how many */
export async function sweepBlobs({
  blobs,
  database,
  clock,
  log,
}: Pick<Deps, 'blobs' | 'database' | 'clock' | 'log'>): Promise<number> {
  const ago = (ms: number) => new Date(clock().getTime() - ms)
  await pruneSaves(database, {
    draftsBefore: ago(DRAFTS_KEPT_MS).toISOString(),
    othersBefore: ago(SAVES_KEPT_MS).toISOString(),
  })
  let swept = 0
  const before = ago(SPARED_MS)
  for await (const page of pagesOf(blobs.list(), before)) {
    const mentioned = await mentionedAmong(database, page)
    for (const sha256 of page.filter((one) => !mentioned.has(one))) {
      // Once more: a row may have come while others of the page were deleted.
      if ((await mentionedAmong(database, [sha256])).size > 0) continue
      await blobs.delete(sha256, before)
      swept += 1
    }
  }
  if (swept > 0) log.info({ swept }, 'unreferenced blobs deleted')
  return swept
}

/** Addresses of those stored before a time, so many that one query tells about them. */
async function* pagesOf(blobs: AsyncIterable<StoredBlob>, before: Date): AsyncGenerator<string[]> {
  let page: string[] = []
  for await (const { sha256, storedAt } of blobs) {
    if (storedAt >= before) continue
    page.push(sha256)
    if (page.length < LOOKED_AT_ONCE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
