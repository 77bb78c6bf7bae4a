import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { codeOf } from '../blobs/file-bytes.ts'
import type { BlobStore, StoredBlob } from '../core/ports.ts'
import { isProblem } from '../errors.ts'
import { isPostgres } from '../metadata/engine.ts'
import { countMentionedBlobs, type Mention, mentionedBlobs, mentionersOf } from '../metadata/mentions.ts'
import type { Database } from '../metadata/schema.ts'
import { type BlobFault, blobFault } from './blob-fault.ts'
import { inParallel } from './in-parallel.ts'
import type { Progress } from './progress.ts'
import { isDatabaseDamaged } from './refusal.ts'

const AT_ONCE = 8

type VerifyDeps = { database: Database; blobs: Pick<BlobStore, 'list' | 'get' | 'open'>; progress: Progress }

export type Verified = {
  /** Read and hashed. */
  blobs: number
  bytes: number
  /** Looked up. */
  mentions: number
  faults: BlobFault[]
  /** What SQLite itself finds; PostgreSQL is not asked. */
  databaseFaults: string[]
}

/** Reads every blob and compares it with its address, then every row with its blob. Changes nothing. */
export async function verify({ database, blobs, progress }: VerifyDeps): Promise<Verified> {
  const result: Verified = {
    blobs: 0,
    bytes: 0,
    mentions: 0,
    faults: [],
    databaseFaults: await databaseFaults(database),
  }
  const bad = new Set<string>()

  async function note(sha256: string, problem: BlobFault['problem']): Promise<void> {
    const fault = await blobFault(database, sha256, problem)
    // While the service runs, a row may move on and its blob be swept.
    if (problem !== 'damaged' && fault.mentionedBy.length === 0) return
    bad.add(sha256)
    result.faults.push(fault)
  }

  try {
    await progress.begin('Reading blobs', () => countBlobs(blobs))
    await inParallel(listed(blobs), AT_ONCE, async ({ sha256 }) => {
      const read = await readBlob(blobs, sha256)
      if (read === 'gone') return
      if (read === 'unreadable') await note(sha256, 'unreadable')
      else {
        result.blobs += 1
        result.bytes += read.size
        if (read.sha256 !== sha256) await note(sha256, 'damaged')
      }
      progress.step()
    })
    await progress.begin('Looking up rows', () => countMentionedBlobs(database))
    await inParallel(mentionedBlobs(database), AT_ONCE, async (mention) => {
      result.mentions += 1
      const problem = bad.has(mention.sha256) ? undefined : await problemOf(blobs, mention)
      if (problem !== undefined && (await mentionersOf(database, mention.sha256, 1)).length > 0)
        await note(mention.sha256, problem)
      progress.step()
    })
  } catch (error) {
    if (!isDatabaseDamaged(error)) throw error
    result.databaseFaults.push(`it cannot be read to its end: ${error.message}`)
  } finally {
    progress.end()
  }
  return result
}

/** Before the first upload there is no folder of blobs. */
async function* listed(blobs: Pick<BlobStore, 'list'>): AsyncGenerator<StoredBlob> {
  try {
    yield* blobs.list()
  } catch (error) {
    if (!isProblem(error) || codeOf(error.cause) !== 'ENOENT') throw error
  }
}

async function countBlobs(blobs: Pick<BlobStore, 'list'>): Promise<number> {
  let count = 0
  for await (const _ of listed(blobs)) count += 1
  return count
}

async function readBlob(
  blobs: Pick<BlobStore, 'get'>,
  sha256: string,
): Promise<{ sha256: string; size: number } | 'gone' | 'unreadable'> {
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const chunk of await blobs.get(sha256)) {
      hash.update(chunk)
      size += (chunk as Buffer).length
    }
    return { sha256: hash.digest('hex'), size }
  } catch (error) {
    return isProblem(error, 'blob-missing') ? 'gone' : 'unreadable'
  }
}

async function problemOf(
  blobs: Pick<BlobStore, 'open'>,
  { sha256, size }: Mention,
): Promise<BlobFault['problem'] | undefined> {
  try {
    await using bytes = await blobs.open(sha256)
    return size === null || bytes.size === size ? undefined : 'of another size than its row says'
  } catch (error) {
    return isProblem(error, 'blob-missing') ? 'missing' : 'unreadable'
  }
}

async function databaseFaults(database: Database): Promise<string[]> {
  // Pages of PostgreSQL are looked at by `pg_amcheck`, which its users may not run.
  if (isPostgres(database)) return []
  try {
    return await foundBySqlite(database)
  } catch (error) {
    if (!isDatabaseDamaged(error)) throw error
    return [error.message]
  }
}

async function foundBySqlite(database: Database): Promise<string[]> {
  const { rows: integrity } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(database)
  const { rows: foreign } = await sql<{ table: string; rowid: number; parent: string }>`
    pragma foreign_key_check`.execute(database)
  return [
    ...integrity.map((row) => row.integrity_check).filter((found) => found !== 'ok'),
    ...foreign.map(({ table, rowid, parent }) => `row ${rowid} of ${table} refers to no row of ${parent}`),
  ]
}
