import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { codeOf } from '../blobs/file-bytes.ts'
import type { BlobStore } from '../core/ports.ts'
import { isProblem } from '../errors.ts'
import { countExported, type ExportedDocument, exportedDocuments } from '../metadata/exported-documents.ts'
import type { Database } from '../metadata/schema.ts'
import { flushFileSystem } from './durable.ts'
import type { Progress } from './progress.ts'
import { isDiskFull, Refusal } from './refusal.ts'
import { safeFileName, safeFolder, safeFolderName } from './safe-names.ts'
import type { Skipped } from './source-files.ts'

type ExportDeps = { database: Database; blobs: Pick<BlobStore, 'get'>; progress: Progress }

export type Exported = {
  exported: number
  bytes: number
  /** Documents whose bytes are missing or damaged, or whose place cannot be made. */
  failed: (Skipped & { documentId: string })[]
}

/**
 * Writes the head of every document that is not in the trash into an empty folder, in folders as the
 * documents lie, all as of one moment. Without a workspace each has a folder of its own, by its name.
 *
 * @throws Refusal `folder-not-empty`, `disk-full`
 */
export async function exportDocuments(
  { database, blobs, progress }: ExportDeps,
  { folder, workspaceId }: { folder: string; workspaceId: string | undefined },
): Promise<Exported> {
  const root = resolve(folder)
  await fs.mkdir(root, { recursive: true })
  if ((await fs.readdir(root)).length > 0)
    throw new Refusal(
      'folder-not-empty',
      `${root} is not empty: documents are only exported into an empty folder`,
    )
  const result: Exported = { exported: 0, bytes: 0, failed: [] }
  await progress.begin('Exporting', () => countExported(database, workspaceId))
  const names = new Names()
  const folders = new WorkspaceFolders()
  try {
    for await (const document of exportedDocuments(database, workspaceId)) {
      const inside = workspaceId === undefined ? folders.of(document) : ''
      const target = join(root, inside, safeFolder(document.folder))
      try {
        result.bytes += await exportOne(blobs, names, document, target)
        result.exported += 1
      } catch (error) {
        if (isDiskFull(error)) throw new Refusal('disk-full', `the disk of ${root} is full`, { cause: error })
        result.failed.push({ documentId: document.id, path: document.title, reason: reasonOf(error) })
      }
      progress.step()
    }
    // Whoever leaves for good may erase what is here.
    await flushFileSystem(root)
    return result
  } finally {
    progress.end()
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof Refusal || isProblem(error)) return error.message
  const code = codeOf(error)
  if (code === undefined) throw error
  return `the file cannot be written (${code})`
}

/** Workspaces may have the same name; the documents of one are none of the other's business. */
class WorkspaceFolders {
  readonly #names = new Map<string, string>()
  readonly #taken = new Set<string>()

  of({ workspaceId, workspaceName }: ExportedDocument): string {
    const known = this.#names.get(workspaceId)
    if (known !== undefined) return known
    const wanted = safeFolderName(workspaceName)
    let name = wanted
    for (let copy = 2; this.#taken.has(name.toLowerCase()); copy += 1) name = `${wanted} (${copy})`
    this.#taken.add(name.toLowerCase())
    this.#names.set(workspaceId, name)
    return name
  }
}

/** How often a name came in the folder at hand: ten thousand documents may have the same title. */
class Names {
  #folder = ''
  #counts = new Map<string, number>()

  next(folder: string, name: string): number {
    if (folder !== this.#folder) this.#counts = new Map()
    this.#folder = folder
    const count = (this.#counts.get(name.toLowerCase()) ?? 0) + 1
    this.#counts.set(name.toLowerCase(), count)
    return count
  }
}

/** @returns bytes written */
async function exportOne(
  blobs: Pick<BlobStore, 'get'>,
  names: Names,
  { title, fileType, sha256, updatedAt }: ExportedDocument,
  folder: string,
): Promise<number> {
  const bytes = await blobs.get(sha256)
  try {
    await fs.mkdir(folder, { recursive: true })
    const { file, path } = await openNew(names, folder, title, fileType)
    try {
      const size = await writeChecked(bytes, file, sha256)
      await file.utimes(new Date(updatedAt), new Date(updatedAt))
      return size
    } catch (error) {
      await fs.rm(path, { force: true })
      throw error
    } finally {
      await file.close()
    }
  } finally {
    bytes.destroy()
  }
}

/** Never over a file that is there: another folder may have become the same by making its name safe. */
async function openNew(names: Names, folder: string, title: string, extension: string) {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
  for (;;) {
    const copy = names.next(folder, safeFileName(title, extension, 1))
    const path = join(folder, safeFileName(title, extension, copy))
    try {
      return { file: await fs.open(path, flags, 0o644), path }
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
  }
}

/** @throws Refusal `blob-damaged` after the last byte when they are not those of the address */
export async function writeChecked(
  bytes: AsyncIterable<Buffer>,
  file: fs.FileHandle,
  sha256: string,
): Promise<number> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of bytes) {
    hash.update(chunk)
    await file.writeFile(chunk)
    size += chunk.length
  }
  if (hash.digest('hex') !== sha256) throw new Refusal('blob-damaged', 'the stored bytes are damaged')
  return size
}
