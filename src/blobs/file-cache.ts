import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import type { BlobRef } from '../core/ports.ts'
import { ignore, io } from './file-bytes.ts'
import { emptyFolder, type Files } from './staging.ts'
import type { WholeFiles } from './whole-files.ts'

/**
 * Blobs that are kept on disk for reading again; those not read for longest go first. What is kept
 * is known to this process alone: a new one begins with an empty cache.
 */
export class FileCache {
  readonly #files: Files
  readonly #folder: string
  readonly #maxBytes: number
  readonly #whole: WholeFiles
  readonly #sizes: LRUCache<string, number>
  #evicted: string[] = []

  /** @param options.maxBytes 0: none is kept */
  constructor({
    files,
    folder,
    maxBytes,
    whole,
  }: {
    files: Files
    folder: string
    maxBytes: number
    whole: WholeFiles
  }) {
    this.#files = files
    this.#folder = folder
    this.#maxBytes = maxBytes
    this.#whole = whole
    this.#sizes = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: (size) => size || 1,
      dispose: (_size, sha256, reason) => {
        if (reason === 'evict') this.#evicted.push(sha256)
      },
    })
  }

  fits(size: number): boolean {
    return this.#maxBytes > 0 && size <= this.#maxBytes
  }

  /** Undefined for a file that is not kept, is damaged or cannot be read: the original is asked then. */
  async open(sha256: string): Promise<FileHandle | undefined> {
    const size = this.#sizes.get(sha256)
    if (size === undefined) return undefined
    const file = await this.#files.open(this.#path(sha256), 'r').catch(ignore)
    if (file && (await this.#whole.isWhole(file, { sha256, size }).catch(ignore))) return file
    await file?.close().catch(ignore)
    await this.drop(sha256)
    return undefined
  }

  /**
   * Moves a staged file in.
   *
   * @returns the file, also if others drive it out at once
   * @throws Problem `storage-unavailable`; then the staged file may still be there
   */
  async adopt(staged: string, { sha256, size }: BlobRef): Promise<FileHandle> {
    const file = await io(this.#files.open(staged, 'r'))
    try {
      await io(this.#files.rename(staged, this.#path(sha256)))
    } catch (error) {
      await file.close().catch(ignore)
      throw error
    }
    this.#sizes.set(sha256, size)
    const evicted = this.#evicted
    this.#evicted = []
    await Promise.all(evicted.map((gone) => this.#files.unlink(this.#path(gone)).catch(ignore)))
    return file
  }

  async drop(sha256: string): Promise<void> {
    if (this.#sizes.delete(sha256)) await this.#files.unlink(this.#path(sha256)).catch(ignore)
  }

  /** Removes what an earlier process left. @throws Problem `storage-unavailable` */
  async empty(): Promise<void> {
    this.#sizes.clear()
    await emptyFolder(this.#files, this.#folder)
  }

  #path(sha256: string): string {
    return join(this.#folder, sha256)
  }
}
