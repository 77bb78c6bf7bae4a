import { setTimeout as delay } from 'node:timers/promises'
import { pruneAttachments } from '../metadata/attachments.ts'
import { mentionedAmong } from '../metadata/mentions.ts'
import { pruneSaves } from '../metadata/saves.ts'
import type { Database } from '../metadata/schema.ts'
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
const ASKED_AT_ONCE = 500
/** In one round: their addresses are held in memory. */
const MOST_SWEPT = 100_000
/** Whoever has read a row that mentions a blob, to mention it in another one, has done so by then. */
const PASSED_ON_WITHIN_MS = 2 * 60_000

type SweepDeps = Pick<Deps, 'blobs' | 'database' | 'clock' | 'config' | 'log'>
/** `pauseMs`: between the two looks for blobs. */
type SweepOptions = { pauseMs?: number; signal?: AbortSignal }

const STEPS: readonly ((deps: SweepDeps, options: SweepOptions) => Promise<unknown>)[] = [
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
export async function sweep(deps: SweepDeps, options: SweepOptions = {}): Promise<void> {
  for (const step of STEPS) {
    // What one step stumbles over keeps none of the others from their work.
    await step(deps, options).catch((error: unknown) => {
      if (!options.signal?.aborted) deps.log.error({ err: error, step: step.name }, 'sweep failed')
    })
  }
}

/**
 * Forgets old saves, then deletes the blobs that no row mentions. They are looked for twice: whoever
 * makes a version of another one's bytes may have read them before a save put others in their place.
 *
 * @returns how many
 */
export async function sweepBlobs(
  { blobs, database, clock, log }: Pick<Deps, 'blobs' | 'database' | 'clock' | 'log'>,
  { pauseMs = PASSED_ON_WITHIN_MS, signal }: SweepOptions = {},
): Promise<number> {
  const ago = (ms: number) => new Date(clock().getTime() - ms)
  await pruneSaves(database, {
    draftsBefore: ago(DRAFTS_KEPT_MS).toISOString(),
    othersBefore: ago(SAVES_KEPT_MS).toISOString(),
  })
  const before = ago(SPARED_MS)
  const found: string[] = []
  for await (const page of pagesOf(storedBefore(before, blobs.list()))) {
    found.push(...(await unmentioned(database, page)))
    if (found.length >= MOST_SWEPT) break
  }
  if (found.length === 0) return 0
  await delay(pauseMs, undefined, { signal })
  let swept = 0
  for await (const page of pagesOf(found)) {
    for (const sha256 of await unmentioned(database, page)) {
      await blobs.delete(sha256, before)
      swept += 1
    }
  }
  log.info({ swept }, 'unreferenced blobs deleted')
  return swept
}

async function unmentioned(database: Database, addresses: string[]): Promise<string[]> {
  const mentioned = await mentionedAmong(database, addresses)
  return addresses.filter((address) => !mentioned.has(address))
}

async function* storedBefore(date: Date, blobs: AsyncIterable<StoredBlob>): AsyncGenerator<string> {
  for await (const { sha256, storedAt } of blobs) if (storedAt < date) yield sha256
}

/** So many that one query tells about them. */
async function* pagesOf(addresses: AsyncIterable<string> | Iterable<string>): AsyncGenerator<string[]> {
  let page: string[] = []
  for await (const address of addresses) {
    page.push(address)
    if (page.length < ASKED_AT_ONCE) continue
    yield page
    page = []
  }
  if (page.length > 0) yield page
}
