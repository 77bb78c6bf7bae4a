import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { codeOf } from '../blobs/file-bytes.ts'
import type { OpenedBlobs } from '../blobs/open-blobs.ts'
import { isProblem } from '../errors.ts'
import { countMentionedBlobs, type Mention, mentionedBlobs } from '../metadata/mentions.ts'
import type { Database } from '../metadata/schema.ts'
import { type BlobFault, blobFault } from './blob-fault.ts'
import { inParallel } from './in-parallel.ts'
import type { Progress } from './progress.ts'
import { isDiskFull, Refusal } from './refusal.ts'

const AT_ONCE = 8
const NO_LIMIT = { maxBytes: Number.MAX_SAFE_INTEGER }

type BlobsDeps = { database: Database; from: OpenedBlobs; to: OpenedBlobs; progress: Progress }

export type CopiedBlobs = {
  copied: number
  /** Were there from an earlier run. */
  skipped: number
  /** Damage of the source; everything else is copied. */
  faults: BlobFault[]
}

/** What a source gave in place of the bytes of an address. */
class SourceFault extends Error {
  readonly problem: BlobFault['problem']

  constructor(problem: BlobFault['problem'], cause?: unknown) {
    super(problem, { cause })
    this.problem = problem
  }
}

/**
 * Copies every blob that a row mentions and that the target does not list with its size. Nothing else
 * than the bytes of the address is ever stored there.
 *
 * @throws Refusal `disk-full`, `storage-failed`: what was copied until then stays, the next run goes on
 */
export async function copyBlobs(deps: BlobsDeps): Promise<CopiedBlobs> {
  const { database, to, progress } = deps
  const result: CopiedBlobs = { copied: 0, skipped: 0, faults: [] }
  const sizes = await sizesOf(to)
  let last = ''
  try {
    await progress.begin('Copying blobs', () => countMentionedBlobs(database))
    await inParallel(mentionedBlobs(database), AT_ONCE, async (mention) => {
      const { sha256 } = mention
      // Twice where rows differ about its size.
      if (sha256 === last) return
      last = sha256
      if (isListed(sizes, mention)) result.skipped += 1
      else {
        const problem = await copyBlob(deps, sha256)
        if (problem === undefined) result.copied += 1
        else result.faults.push(await blobFault(database, sha256, problem))
      }
      progress.step()
    })
  } finally {
    progress.end()
  }
  return result
}

/** @returns what is wrong with it at the source */
async function copyBlob({ from, to }: BlobsDeps, sha256: string): Promise<BlobFault['problem'] | undefined> {
  try {
    const stored = await to.put(Readable.from(bytesOf(from, sha256), { objectMode: false }), NO_LIMIT)
    if (stored.sha256 !== sha256)
      throw new Refusal('copy-differs', `the target stored ${sha256} as another blob`)
    return undefined
  } catch (error) {
    if (error instanceof SourceFault) return demandSource(from, error)
    throw stopped(error)
  }
}

/** Fails at its end when the bytes are not those of the address: then they are not stored. @throws SourceFault */
async function* bytesOf(from: OpenedBlobs, sha256: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  try {
    for await (const chunk of await from.get(sha256)) {
      hash.update(chunk)
      yield chunk
    }
  } catch (error) {
    throw new SourceFault(isProblem(error, 'blob-missing') ? 'missing' : 'unreadable', error)
  }
  if (hash.digest('hex') !== sha256) throw new SourceFault('damaged')
}

/** One blob that cannot be read is a fault; a storage that is away is none of the blob's. @throws Refusal `storage-failed` */
async function demandSource(
  from: OpenedBlobs,
  { problem, cause }: SourceFault,
): Promise<BlobFault['problem']> {
  if (problem === 'unreadable' && !(await from.isReachable()))
    throw new Refusal('storage-failed', 'the storage of the blobs does not answer any more', { cause })
  return problem
}

function stopped(error: unknown): unknown {
  if (isDiskFull(error) || !isProblem(error, 'storage-unavailable')) return error
  const why = codeOf(error.cause) ?? (error.cause instanceof Error ? error.cause.message : error.message)
  return new Refusal(
    'storage-failed',
    `the target takes no more (${why}). Run the command again: it goes on`,
    {
      cause: error,
    },
  )
}

/**
 * Looks every mentioned blob up in the target, but for those that are faulty at the source.
 *
 * @returns addresses of those that are not there with the size that they have at the source
 */
export async function missingBlobs(deps: BlobsDeps, faults: readonly BlobFault[]): Promise<string[]> {
  const { database, from, to, progress } = deps
  const faulty = new Set(faults.map(({ sha256 }) => sha256))
  const sizes = await sizesOf(to)
  const missing: string[] = []
  try {
    await progress.begin('Looking up blobs', () => countMentionedBlobs(database))
    for await (const mention of mentionedBlobs(database)) {
      const { sha256 } = mention
      progress.step()
      if (faulty.has(sha256) || isListed(sizes, mention)) continue
      // A row may be wrong about the size.
      await using bytes = await from.open(sha256)
      if (sizes.get(sha256) !== bytes.size) missing.push(sha256)
    }
  } finally {
    progress.end()
  }
  return missing
}

async function sizesOf(blobs: OpenedBlobs): Promise<Map<string, number>> {
  const sizes = new Map<string, number>()
  for await (const { sha256, size } of blobs.list()) sizes.set(sha256, size)
  return sizes
}

function isListed(sizes: ReadonlyMap<string, number>, { sha256, size }: Mention): boolean {
  const found = sizes.get(sha256)
  return found !== undefined && (size === null || found === size)
}
