import { createHash } from 'node:crypto'
import type { Readable, Writable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import { KeyLocks } from '../core/key-locks.ts'
import type { BlobRef } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import { write } from './file-bytes.ts'
import { ObjectChanged, type S3Objects } from './s3-objects.ts'
import { s3Unavailable } from './s3-problem.ts'
import { ObjectStream } from './s3-stream.ts'

/** Objects. */
const WHOLE_KNOWN = 50_000

/** Sends objects straight from S3, once it is known that they are undamaged. */
export class WholeObjects {
  readonly #objects: S3Objects
  /** ETags of objects that were found whole: any other object under the key has another one. */
  readonly #etags = new LRUCache<string, string>({ max: WHOLE_KNOWN })
  /** Many who want the same object wait for one reading. */
  readonly #locks = new KeyLocks()

  constructor(objects: S3Objects) {
    this.#objects = objects
  }

  remember(sha256: string, etag: string): void {
    this.#etags.set(sha256, etag)
  }

  forget(sha256: string): void {
    this.#etags.delete(sha256)
  }

  /**
   * A whole object, not hashed yet.
   *
   * @throws Problem `blob-missing`, also when it is of another size
   */
  async read(key: string, { sha256, size }: BlobRef): Promise<{ bytes: Readable; etag: string }> {
    const part = await this.#objects.read(key)
    if (part.end + 1 === size) return { bytes: new ObjectStream(this.#objects, key, part), etag: part.etag }
    part.body.destroy()
    throw damaged(sha256)
  }

  /**
   * Ends the sink with a part of an object that is read and hashed before, once while it stays the same.
   *
   * @throws Problem `blob-missing`, `storage-unavailable` while nothing has been written
   */
  async send(key: string, blob: BlobRef, part: { start: number; end: number }, to: Writable): Promise<void> {
    const bytes = await this.#open(key, blob, part)
    let isBegun = false
    try {
      for await (const chunk of bytes) {
        isBegun = true
        await write(to, chunk)
      }
      to.end()
    } catch (error) {
      if (!isBegun) throw error
      to.destroy(error instanceof Error ? error : undefined)
    }
  }

  async #open(key: string, blob: BlobRef, part: { start: number; end: number }): Promise<Readable> {
    try {
      return await this.#openSame(key, blob, part)
    } catch (error) {
      if (!(error instanceof ObjectChanged)) throw error
      // Stored anew or damaged since it was hashed: it must be hashed again.
      this.forget(blob.sha256)
    }
    return this.#openSame(key, blob, part).catch((error: unknown) => {
      throw s3Unavailable(error)
    })
  }

  async #openSame(key: string, blob: BlobRef, { start, end }: { start: number; end: number }) {
    const etag = await this.#locks.run(blob.sha256, () => this.#wholeEtag(key, blob))
    // An empty object has no ranges.
    const range = blob.size === 0 ? {} : { start, end }
    return new ObjectStream(this.#objects, key, await this.#objects.read(key, { ...range, etag }))
  }

  async #wholeEtag(key: string, blob: BlobRef): Promise<string> {
    const known = this.#etags.get(blob.sha256)
    if (known !== undefined) return known
    const { bytes, etag } = await this.read(key, blob)
    const hash = createHash('sha256')
    for await (const chunk of bytes) hash.update(chunk)
    if (hash.digest('hex') !== blob.sha256) throw damaged(blob.sha256)
    this.#etags.set(blob.sha256, etag)
    return etag
  }
}

export function damaged(sha256: string): Problem {
  return new Problem('blob-missing', `blob ${sha256} is damaged`)
}
