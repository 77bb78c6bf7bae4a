import { randomUUID } from 'node:crypto'
import type { Dir, Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import * as fs from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import { KeyLocks } from '../core/key-locks.ts'
import type { BlobRef, BlobStore, PutLimits, RandomAccess, StoredBlob } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import {
  CHUNK_BYTES,
  codeOf,
  copyHashed,
  copyOut,
  hashOf,
  ignore,
  inMemory,
  insideOf,
  io,
  once,
  randomAccess,
  readAt,
  unavailable,
  unlessMissing,
} from './file-bytes.ts'

/** The file-system functions in use; tests pass some that fail. */
export type Files = {
  open(path: string, flags: string, mode?: number): Promise<FileHandle>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** @returns the first folder that had to be made */
  mkdir(path: string, options: { recursive: true }): Promise<string | undefined>
  stat(path: string): Promise<Stats>
  opendir(path: string): Promise<Dir>
}

/** Sent in one piece and remembered. */
const SMALL_BYTES = 64 * 1024
const SMALL_CACHE_BYTES = 16 * 1024 * 1024
/** Blobs. */
const WHOLE_KNOWN = 50_000
const SHA256 = /^[0-9a-f]{64}$/
const FOLDER = /^[0-9a-f]{2}$/

/**
 * Blobs as files `<root>/blobs/<first 2 digits>/<sha256>`, written to `<root>/tmp` first. Both must
 * lie in one file system. A file under `blobs` is complete and durable from its first moment there.
 */
export class DiskBlobs implements BlobStore {
  readonly #files: Files
  readonly #root: string
  readonly #blobs: string
  readonly #staging: string
  /** Small files are asked for by every opener, and never change. */
  readonly #small = new LRUCache<string, Buffer>({
    maxSize: SMALL_CACHE_BYTES,
    sizeCalculation: (bytes) => bytes.length || 1,
  })
  /** Blobs that were found whole, with what tells whether they are still the same file. */
  readonly #whole = new LRUCache<string, string>({ max: WHOLE_KNOWN })
  /** A blob stored anew must not be deleted as the old one that it was. */
  readonly #locks = new KeyLocks()
  /** Folders that are known to survive a power cut. */
  readonly #durableFolders = new Set<string>()

  constructor({ root, files = fs }: { root: string; files?: Files }) {
    this.#files = files
    this.#root = resolve(root)
    this.#blobs = join(this.#root, 'blobs')
    this.#staging = join(this.#root, 'tmp')
  }

  /**
   * A store whose folders exist.
   *
   * @throws Problem `storage-unavailable`
   */
  static async open(options: { root: string; files?: Files }): Promise<DiskBlobs> {
    const store = new DiskBlobs(options)
    await store.#ensureRoot()
    await store.#ensureFolder(store.#blobs)
    await store.#ensureFolder(store.#staging)
    return store
  }

  async put(bytes: Readable, limits: PutLimits): Promise<BlobRef> {
    // Without a listener, a source failing while nobody reads it would end the process.
    bytes.on('error', ignore)
    const staged = join(this.#staging, randomUUID())
    try {
      const blob = await this.#stage(staged, bytes, limits)
      const path = this.#path(blob.sha256)
      await this.#ensureFolder(dirname(path))
      // An older file of the same content is replaced: that heals a damaged one, and its new time
      // stamp protects it from the sweeper until somebody refers to it.
      await this.#locks.run(blob.sha256, () => io(this.#files.rename(staged, path)))
      await this.#syncFolder(dirname(path))
      return blob
    } catch (error) {
      bytes.destroy()
      // Gone already if the rename was done; whatever else stays is for removeLeftovers().
      await this.#files.unlink(staged).catch(ignore)
      throw error
    }
  }

  async get(sha256: string, range?: { start: number; end: number }): Promise<Readable> {
    const file = await this.#openBlob(sha256)
    let streaming = false
    try {
      const { size } = await io(file.stat())
      const { start, end } = insideOf(size, range)
      if (end - start < CHUNK_BYTES) return once(await readAt(file, start, end - start + 1))
      streaming = true
      return file.createReadStream({ start, end, highWaterMark: CHUNK_BYTES })
    } finally {
      if (!streaming) await file.close().catch(ignore)
    }
  }

  async send(
    { sha256, size }: BlobRef,
    range: { start: number; end: number } | undefined,
    to: Writable,
  ): Promise<void> {
    const { start, end } = insideOf(size, range)
    const name = `${sha256} ${start} ${end}`
    const known = this.#small.get(name)
    if (known !== undefined) {
      to.end(known)
      return
    }
    const file = await this.#openBlob(sha256)
    try {
      await this.#demandWhole(file, { sha256, size })
      if (end - start < SMALL_BYTES) {
        const bytes = await readAt(file, start, end - start + 1)
        this.#small.set(name, bytes)
        to.end(bytes)
      } else await copyOut(file, start, end, to)
    } finally {
      await file.close().catch(ignore)
    }
  }

  /**
   * A damaged file is never sent: before its first byte it is read and hashed, once while it stays the same.
   *
   * @throws Problem `blob-missing`
   */
  async #demandWhole(file: FileHandle, { sha256, size }: BlobRef): Promise<void> {
    const found = await io(file.stat())
    const state = `${found.ino} ${found.mtimeMs}`
    const isSized = found.size === size
    if (isSized && this.#whole.get(sha256) === state) return
    if (!isSized || (await hashOf(file, size)) !== sha256)
      throw new Problem('blob-missing', `blob ${sha256} is damaged`)
    this.#whole.set(sha256, state)
  }

  async open(sha256: string): Promise<RandomAccess & AsyncDisposable> {
    const file = await this.#openBlob(sha256)
    try {
      const { size } = await io(file.stat())
      return { ...randomAccess(file, size), [Symbol.asyncDispose]: () => file.close().catch(ignore) }
    } catch (error) {
      await file.close().catch(ignore)
      throw error
    }
  }

  async *list(): AsyncIterable<StoredBlob> {
    for await (const folder of await io(this.#files.opendir(this.#blobs))) {
      if (!folder.isDirectory() || !FOLDER.test(folder.name)) continue
      for await (const { name } of await io(this.#files.opendir(join(this.#blobs, folder.name)))) {
        if (!SHA256.test(name) || !name.startsWith(folder.name)) continue
        const file = await this.#statOrNone(this.#path(name))
        if (file?.isFile()) yield { sha256: name, size: file.size, storedAt: file.mtime }
      }
    }
  }

  async delete(sha256: string, storedBefore?: Date): Promise<void> {
    if (!SHA256.test(sha256)) return
    await this.#locks.run(sha256, async () => {
      const file = await this.#statOrNone(this.#path(sha256))
      if (file === undefined || (storedBefore !== undefined && file.mtime >= storedBefore)) return
      await io(this.#files.unlink(this.#path(sha256)).catch(unlessMissing))
    })
  }

  /**
   * Removes what an earlier process left in `tmp`. Only for the one process that owns the folder,
   * before its first put.
   *
   * @throws Problem `storage-unavailable`
   */
  async removeLeftovers(): Promise<void> {
    for await (const entry of await io(this.#files.opendir(this.#staging))) {
      if (entry.isFile()) await io(this.#files.unlink(join(this.#staging, entry.name)))
    }
  }

  /** Writes the source to `path`, complete and fsynced. */
  async #stage(path: string, bytes: Readable, { maxBytes, inspect }: PutLimits): Promise<BlobRef> {
    const file = await io(this.#files.open(path, 'wx+', 0o600))
    try {
      const { small, ...blob } = await copyHashed(bytes, file, maxBytes)
      if (inspect) await inspect(small === undefined ? randomAccess(file, blob.size) : inMemory(small))
      // Once only: after a failed fsync the kernel may report success for pages that it dropped.
      await io(file.sync())
      await io(file.close())
      return blob
    } catch (error) {
      await file.close().catch(ignore)
      throw error
    }
  }

  /** An existing root is not synced: its parent need not be readable to us. */
  async #ensureRoot(): Promise<void> {
    const firstMade = await io(this.#files.mkdir(this.#root, { recursive: true }))
    if (firstMade === undefined) return
    for (let made = this.#root; made.length >= firstMade.length; made = dirname(made)) {
      await this.#syncFolder(dirname(made))
    }
  }

  async #ensureFolder(path: string): Promise<void> {
    if (this.#durableFolders.has(path)) return
    await io(this.#files.mkdir(path, { recursive: true }))
    // Also for a folder that was there: whoever made it may not have come this far.
    await this.#syncFolder(dirname(path))
    this.#durableFolders.add(path)
  }

  async #syncFolder(path: string): Promise<void> {
    const folder = await io(this.#files.open(path, 'r'))
    try {
      await io(folder.sync())
    } finally {
      await folder.close().catch(ignore)
    }
  }

  async #openBlob(sha256: string): Promise<FileHandle> {
    if (!SHA256.test(sha256)) throw new Problem('blob-missing', 'not the address of a blob')
    try {
      return await this.#files.open(this.#path(sha256), 'r')
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') throw new Problem('blob-missing', `no blob ${sha256}`, { cause })
      throw unavailable(cause)
    }
  }

  /** Undefined for a file deleted since its folder was read. */
  async #statOrNone(path: string): Promise<Stats | undefined> {
    return (await io(this.#files.stat(path).catch(unlessMissing))) ?? undefined
  }

  #path(sha256: string): string {
    return blobFile(this.#root, sha256)
  }
}

/** Where a blob lies. */
export function blobFile(root: string, sha256: string): string {
  return join(root, 'blobs', sha256.slice(0, 2), sha256)
}
