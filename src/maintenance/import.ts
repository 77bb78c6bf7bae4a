import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { CHUNK_BYTES, codeOf, once } from '../blobs/file-bytes.ts'
import type { Caller } from '../core/callers.ts'
import type { Deps } from '../core/deps.ts'
import { addDocumentIn, putUpload } from '../core/new-document.ts'
import type { BlobRef } from '../core/ports.ts'
import { isProblem } from '../errors.ts'
import { isPostgres } from '../metadata/engine.ts'
import type { Database } from '../metadata/schema.ts'
import type { Progress } from './progress.ts'
import { isDiskFull, Refusal } from './refusal.ts'
import { printable, type Skipped, type SourceFile, sourceFiles } from './source-files.ts'

/** Files whose bytes are stored at once, and on SQLite their documents made in one transaction. */
const AT_ONCE = 32
const ADMINISTRATOR: Caller = { kind: 'administrator' }

type ImportDeps = Pick<Deps, 'database' | 'blobs' | 'config' | 'clock' | 'keyPrefix'> & { progress: Progress }

export type Imported = {
  imported: number
  /** Came in by an earlier run. */
  known: number
  bytes: number
  skipped: Skipped[]
}

type Staged = { file: SourceFile; id: string; blob: BlobRef; extension: string; title: string }

/**
 * Takes a folder with all below it: folders become folders of documents, files become documents. A
 * document's id comes from where its file lies and what it holds, so that what is there already is
 * never made twice; a file that has changed since becomes a document of its own.
 *
 * @param leftOut folders that are not looked into
 * @throws Refusal `disk-full`, `storage-failed`: what came in until then stays, the next run goes on
 */
export async function importFolder(
  deps: ImportDeps,
  { folder, workspaceId, leftOut }: { folder: string; workspaceId: string; leftOut: readonly string[] },
): Promise<Imported> {
  const result: Imported = { imported: 0, known: 0, bytes: 0, skipped: [] }
  await deps.progress.begin('Importing', async () => {
    let count = 0
    for await (const _ of sourceFiles(folder, leftOut)) count += 1
    return count
  })
  try {
    let batch: SourceFile[] = []
    for await (const found of sourceFiles(folder, leftOut)) {
      if ('reason' in found) {
        result.skipped.push(found)
        deps.progress.step()
        continue
      }
      batch.push(found)
      if (batch.length < AT_ONCE) continue
      await importBatch(deps, workspaceId, batch, result)
      batch = []
    }
    await importBatch(deps, workspaceId, batch, result)
    return result
  } catch (error) {
    throw stopped(error, result)
  } finally {
    deps.progress.end()
  }
}

async function importBatch(
  deps: ImportDeps,
  workspaceId: string,
  batch: SourceFile[],
  result: Imported,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    batch.map(async (file) => {
      const outcome = await stage(deps, workspaceId, file)
      deps.progress.step()
      return outcome
    }),
  )
  const staged: Staged[] = []
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') throw outcome.reason
    if (outcome.value === 'known') result.known += 1
    else if ('reason' in outcome.value) result.skipped.push(outcome.value)
    else staged.push(outcome.value)
  }
  if (staged.length === 0) return
  const begun = performance.now()
  // PostgreSQL lets a long transaction begin again as long as others write beside it.
  const isShared = isPostgres(deps.database)
  for (const some of isShared ? staged.map((one) => [one]) : [staged]) {
    await addDocuments(deps, workspaceId, some)
    result.imported += some.length
    for (const { blob } of some) result.bytes += blob.size
  }
  // The service waits for the lock of SQLite at most 250 ms: its turn must come between two of ours.
  if (!isShared) await delay(Math.max(2, performance.now() - begun))
}

async function addDocuments(deps: ImportDeps, workspaceId: string, staged: Staged[]): Promise<void> {
  await deps.database.transaction().execute(async (tx) => {
    for (const { id, file, blob, extension, title } of staged) {
      await addDocumentIn(tx, deps, ADMINISTRATOR, {
        title,
        fileType: extension,
        blob,
        kind: 'upload',
        action: 'uploaded',
        workspaceId,
        place: { id, folder: file.folder },
      })
    }
  })
}

/** Stores the bytes of one file, unless its document is there. */
async function stage(
  deps: ImportDeps,
  workspaceId: string,
  file: SourceFile,
): Promise<Staged | Skipped | 'known'> {
  const { title, extension } = splitName(file.name)
  let source: fs.FileHandle | undefined
  try {
    // Neither a link nor a pipe that took the file's place is waited for.
    source = await fs.open(file.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    const found = await source.stat()
    if (!found.isFile()) return { path: printable(file.relativePath), reason: 'neither a file nor a folder' }
    const small = found.size <= CHUNK_BYTES ? await source.readFile() : undefined
    const id = (sha256: string) => documentId({ workspaceId, relativePath: file.relativePath, sha256 })
    if (await hasDocument(deps.database, id(await hashOf(small ?? source)))) return 'known'
    const bytes = small ? once(small) : source.createReadStream({ start: 0, autoClose: false })
    const blob = await putUpload(deps, bytes, extension)
    // Of the bytes that were stored: the file may have changed since.
    return { file, id: id(blob.sha256), blob, extension, title }
  } catch (error) {
    if (isProblem(error, 'storage-unavailable') || (!isProblem(error) && codeOf(error) === undefined))
      throw error
    const reason = isProblem(error) ? error.message : `the file cannot be read (${codeOf(error)})`
    return { path: printable(file.relativePath), reason: printable(reason) }
  } finally {
    await source?.close()
  }
}

async function hashOf(source: Buffer | fs.FileHandle): Promise<string> {
  const hash = createHash('sha256')
  if (Buffer.isBuffer(source)) return hash.update(source).digest('hex')
  for await (const chunk of source.createReadStream({
    start: 0,
    autoClose: false,
    highWaterMark: CHUNK_BYTES,
  }))
    hash.update(chunk)
  return hash.digest('hex')
}

/** A UUID made of what it names. Source: RFC 9562 §5.8, version 8. */
function documentId(of: { workspaceId: string; relativePath: string; sha256: string }): string {
  const name = JSON.stringify(['import', of.workspaceId, of.relativePath, of.sha256])
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16)
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6)
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8)
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** One in the trash too: who deleted it does not want it back. */
async function hasDocument(database: Database, id: string): Promise<boolean> {
  const row = await database.selectFrom('documents').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}

/** A backslash is part of a name here. */
function splitName(name: string): { title: string; extension: string } {
  const dot = name.lastIndexOf('.')
  return dot <= 0
    ? { title: name, extension: '' }
    : { title: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() }
}

/** Says in clear words why the rest was not taken. */
function stopped(error: unknown, { imported, known }: Imported): unknown {
  const soFar = `${imported + known} documents are in; run the command again and it goes on from there`
  if (isDiskFull(error)) return new Refusal('disk-full', `the disk is full. ${soFar}`, { cause: error })
  if (isProblem(error, 'storage-unavailable'))
    return new Refusal(
      'storage-failed',
      `the storage takes no more (${codeOf(error.cause) ?? error.message}). ${soFar}`,
      {
        cause: error,
      },
    )
  return error
}
