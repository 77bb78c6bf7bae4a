import type { FileHandle } from 'node:fs/promises'
import { KeyLocks } from '../core/key-locks.ts'
import type { BlobRef } from '../core/ports.ts'
import { ignore } from './file-bytes.ts'
import type { FileCache } from './file-cache.ts'
import { damaged, type WholeObjects } from './s3-whole.ts'
import type { Files, Staging } from './staging.ts'

/** Objects of S3 as files of the cache: hashed while they land there, never served otherwise. */
export class CachedObjects {
  readonly #files: Files
  readonly #cache: FileCache
  readonly #staging: Staging
  readonly #objects: WholeObjects
  /** Many who want the same object wait for one reading. */
  readonly #readings = new KeyLocks()

  constructor({
    files,
    cache,
    staging,
    objects,
  }: {
    files: Files
    cache: FileCache
    staging: Staging
    objects: WholeObjects
  }) {
    this.#files = files
    this.#cache = cache
    this.#staging = staging
    this.#objects = objects
  }

  fits(size: number): boolean {
    return this.#cache.fits(size)
  }

  /** Undefined when it is not in the cache. */
  known(sha256: string): Promise<FileHandle | undefined> {
    return this.#cache.open(sha256)
  }

  /**
   * From the cache, or from S3 through it: the blob must fit.
   *
   * @throws Problem `blob-missing`, also when the object is damaged; `storage-unavailable`
   */
  async open(key: string, blob: BlobRef): Promise<FileHandle> {
    const { sha256 } = blob
    const known = await this.known(sha256)
    if (known) return known
    return this.#readings.run(sha256, async () => (await this.known(sha256)) ?? this.#land(key, blob))
  }

  async #land(key: string, blob: BlobRef): Promise<FileHandle> {
    const { bytes } = await this.#objects.read(key, blob)
    return this.#staging.take(bytes, { maxBytes: blob.size }, async (staged, landed) => {
      if (landed.sha256 !== blob.sha256) throw damaged(blob.sha256)
      return this.#cache.adopt(staged, landed)
    })
  }

  /** The staged file of a blob that is stored by now: what goes wrong here costs a reading, not the blob. */
  async keep(staged: string, blob: BlobRef): Promise<void> {
    try {
      if (this.fits(blob.size)) await (await this.#cache.adopt(staged, blob)).close()
      else await this.#files.unlink(staged)
    } catch {
      await this.#files.unlink(staged).catch(ignore)
    }
  }

  drop(sha256: string): Promise<void> {
    return this.#cache.drop(sha256)
  }

  empty(): Promise<void> {
    return this.#cache.empty()
  }
}
