import type { Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import * as fs from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { KeyLocks } from '../core/key-locks.ts'
import type { BlobRef, BlobStore, PutLimits, RandomAccess, StoredBlob } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import {
  codeOf,
  ignore,
  insideOf,
  io,
  openedFile,
  SHA256,
  streamOf,
  unavailable,
  unlessMissing,
} from './file-bytes.ts'
import { emptyFolder, type Files, Staging } from './staging.ts'
import { WholeFiles } from './whole-files.ts'

export type { Files } from './staging.ts'

const FOLDER = /^[0-9a-f]{2}$/

/**
 * Blobs as files `<root>/blobs/<first 2 digits>/<sha256>`, written to `<root>/tmp` first. Both must
 * lie in one file system. A file under `blobs` is complete and durable from its first moment there.
 */
export class DiskBlobs implements BlobStore {
  readonly #files: Files
  readonly #root: string
  readonly #blobs: string
  readonly #tmp: string
  readonly #staging: Staging
  readonly #whole = new WholeFiles()
  /** A blob stored anew must not be deleted as the old one that it was. */
  readonly #locks = new KeyLocks()
  /** Folders that are known to survive a power cut. */
  readonly #durableFolders = new Set<string>()

  constructor({ root, files = fs }: { root: string; files?: Files }) {
    this.#files = files
    this.#root = resolve(root)
    this.#blobs = join(this.#root, 'blobs')
    this.#tmp = join(this.#root, 'tmp')
    this.#staging = new Staging({ files, folder: this.#tmp, isDurable: true })
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
    await store.#ensureFolder(store.#tmp)
    return store
  }

  put(bytes: Readable, limits: PutLimits): Promise<BlobRef> {
    return this.#staging.take(bytes, limits, async (staged, blob) => {
      const path = this.#path(blob.sha256)
      await this.#ensureFolder(dirname(path))
      // An older file of the same content is replaced: that heals a damaged one, and its new time
      // stamp protects it from the sweeper until somebody refers to it.
      await this.#locks.run(blob.sha256, () => io(this.#files.rename(staged, path)))
      await this.#syncFolder(dirname(path))
      return blob
    })
  }

  async get(sha256: string, range?: { start: number; end: number }): Promise<Readable> {
    return streamOf(await this.#openBlob(sha256), range)
  }

  /** A damaged file is never sent: it is read and hashed before its first byte. */
  async send(
    { sha256, size }: BlobRef,
    range: { start: number; end: number } | undefined,
    to: Writable,
  ): Promise<void> {
    const part = insideOf(size, range)
    if (this.#whole.sendKnown(sha256, part, to)) return
    const file = await this.#openBlob(sha256)
    try {
      if (!(await this.#whole.isWhole(file, { sha256, size }))) {
        throw new Problem('blob-missing', `blob ${sha256} is damaged`)
      }
      await this.#whole.send(file, sha256, part, to)
    } finally {
      await file.close().catch(ignore)
    }
  }

  async open(sha256: string): Promise<RandomAccess & AsyncDisposable> {
    return openedFile(await this.#openBlob(sha256))
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
  removeLeftovers(): Promise<void> {
    return emptyFolder(this.#files, this.#tmp)
  }

  async claim(installation: string): Promise<string> {
    return installation
  }

  /** Whether the folder of the blobs is there: what holds it may have been unmounted. */
  async isReachable(): Promise<boolean> {
    return this.#files.stat(this.#blobs).then(
      (found) => found.isDirectory(),
      () => false,
    )
  }

  /** There is nothing to end. */
  async close(): Promise<void> {}

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
