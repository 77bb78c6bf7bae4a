import * as fs from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { KeyLocks } from '../core/key-locks.ts'
import type { BlobRef, BlobStore, PutLimits, RandomAccess, StoredBlob } from '../core/ports.ts'
import { isProblem, Problem } from '../errors.ts'
import { CachedObjects } from './cached-objects.ts'
import { type Deletions, deletionEnded, NO_DELETIONS } from './deletions.ts'
import { ignore, insideOf, io, openedFile, SHA256, streamOf } from './file-bytes.ts'
import { FileCache } from './file-cache.ts'
import type { S3Address } from './s3-address.ts'
import { S3Bucket } from './s3-bucket.ts'
import { S3Objects } from './s3-objects.ts'
import { ObjectStream, readAnywhere } from './s3-stream.ts'
import { S3Uploads } from './s3-uploads.ts'
import { WholeObjects } from './s3-whole.ts'
import { emptyFolder, type Files, Staging } from './staging.ts'
import { WholeFiles } from './whole-files.ts'

/** Read whole into the cache when opened: they are mostly sent next. Others are read where asked. */
const OPENED_WHOLE_BYTES = 8 * 1024 * 1024
/** No upload takes so long: each of its calls has a time limit. */
const UPLOAD_LEFT_MS = 24 * 3600_000
/** So long after a look at its age an object is deleted at the latest. */
const LOOK_HOLDS_MS = 10_000
/** HTTP dates have no fractions, and may be rounded down. */
const DATE_STEP_MS = 1000

export type S3BlobsOptions = {
  address: S3Address
  /** Folder for files that are being stored, and for the cache. */
  root: string
  /** Of objects that are kept on disk for reading again; 0: none. */
  cacheBytes: number
  /** Left out where nobody deletes, as in a command beside a stopped service. */
  deletions?: Deletions
  files?: Files
}

/**
 * Blobs as objects `<prefix>blobs/<first 2 digits>/<sha256>` of a bucket; `<prefix>installation` says whose
 * they are. The address is known at the end only, and `inspect` wants complete bytes, so they are staged
 * in `<root>/tmp` before they are sent. An object becomes visible as a whole.
 *
 * Wrong bytes are never sent, as from disk: an object is read and hashed before its first byte goes
 * out. If it fits the cache (`<root>/cache`), it is hashed while it lands there, and sent from there.
 * If not, it is hashed as it passes by, its ETag is remembered, and each later reading demands that
 * ETag. That reads the largest files twice, once a process, and costs neither memory nor disk.
 *
 * `get` and `open` give what S3 holds, as they do from disk, but from the cache if it is there.
 */
export class S3Blobs implements BlobStore {
  readonly #files: Files
  readonly #place: string
  readonly #prefix: string
  readonly #bucket: S3Bucket
  readonly #objects: S3Objects
  readonly #uploads: S3Uploads
  readonly #whole: WholeObjects
  readonly #tmp: string
  readonly #staging: Staging
  readonly #sent = new WholeFiles()
  readonly #cached: CachedObjects
  readonly #deletions: Deletions
  #claimed: { installation: string; isOwn: boolean } | undefined
  /** A blob that this process stores anew must not be deleted as the old one that it was. */
  readonly #locks = new KeyLocks()

  constructor({ address, root, cacheBytes, deletions = NO_DELETIONS, files = fs }: S3BlobsOptions) {
    this.#deletions = deletions
    this.#files = files
    this.#place = address.prefix
    this.#prefix = `${address.prefix}blobs/`
    this.#bucket = new S3Bucket(address)
    this.#objects = new S3Objects(this.#bucket)
    this.#uploads = new S3Uploads(this.#bucket)
    this.#whole = new WholeObjects(this.#objects)
    this.#tmp = join(resolve(root), 'tmp')
    // What makes a blob durable is S3.
    this.#staging = new Staging({ files, folder: this.#tmp, isDurable: false })
    const folder = join(resolve(root), 'cache')
    const cache = new FileCache({ files, folder, maxBytes: cacheBytes, whole: this.#sent })
    this.#cached = new CachedObjects({ files, cache, staging: this.#staging, objects: this.#whole })
  }

  /**
   * A store whose local folders exist. Does not ask S3: see `isReachable`.
   *
   * @throws Problem `storage-unavailable`
   */
  static async open(options: S3BlobsOptions): Promise<S3Blobs> {
    const { root, files = fs } = options
    for (const folder of ['tmp', 'cache']) {
      await io(files.mkdir(join(resolve(root), folder), { recursive: true }))
    }
    return new S3Blobs(options)
  }

  put(bytes: Readable, limits: PutLimits): Promise<BlobRef> {
    return this.#staging.take(bytes, limits, async (staged, blob) => {
      // Also for content that is there: a damaged object is healed, and its new time protects it
      // from the sweeper until somebody refers to it.
      await this.#locks.run(blob.sha256, () => this.#store(staged, blob))
      await this.#cached.keep(staged, blob)
      return blob
    })
  }

  async #store(staged: string, blob: BlobRef): Promise<void> {
    await this.#upload(staged, blob)
    if (await this.#isThereToStay(blob)) return
    await this.#upload(staged, blob)
    if (await this.#isThereToStay(blob)) return
    throw new Problem('storage-unavailable', 'S3 does not hold what it said to have stored')
  }

  /** Asked once it is stored, and before it is looked for: see `Deletions`. */
  async #isThereToStay({ sha256, size }: BlobRef): Promise<boolean> {
    await deletionEnded(this.#deletions, sha256).catch((cause: unknown) => {
      if (isProblem(cause)) throw cause
      const detail = 'it cannot be asked whether these bytes are just being deleted'
      throw new Problem('storage-unavailable', detail, { cause })
    })
    const stored = await this.#objects.head(this.#key(sha256))
    if (stored?.size !== size) return false
    this.#whole.remember(sha256, stored.etag)
    return true
  }

  async #upload(staged: string, blob: BlobRef): Promise<void> {
    const key = this.#key(blob.sha256)
    const file = await io(this.#files.open(staged, 'r'))
    try {
      await this.#uploads.upload(key, file, blob)
    } finally {
      await file.close().catch(ignore)
    }
  }

  async get(sha256: string, range?: { start: number; end: number }): Promise<Readable> {
    const key = this.#key(sha256)
    const cached = await this.#cached.known(sha256)
    if (cached) return streamOf(cached, range)
    // A range that ends before it starts is none to S3, which then sends all. Source: RFC 9110 §14.1.1.
    if (range) insideOf(Number.POSITIVE_INFINITY, range)
    return new ObjectStream(this.#objects, key, await this.#objects.read(key, range))
  }

  async send(blob: BlobRef, range: { start: number; end: number } | undefined, to: Writable): Promise<void> {
    const key = this.#key(blob.sha256)
    const part = insideOf(blob.size, range)
    if (this.#sent.sendKnown(blob.sha256, part, to)) return
    if (!this.#cached.fits(blob.size)) return this.#whole.send(key, blob, part, to)
    const file = await this.#cached.open(key, blob)
    try {
      await this.#sent.send(file, blob.sha256, part, to)
    } finally {
      await file.close().catch(ignore)
    }
  }

  async open(sha256: string): Promise<RandomAccess & AsyncDisposable> {
    const key = this.#key(sha256)
    const known = await this.#cached.known(sha256)
    if (known) return openedFile(known)
    const found = await this.#objects.head(key)
    if (found === undefined) throw new Problem('blob-missing', `no blob ${sha256}`)
    const { size } = found
    if (size <= OPENED_WHOLE_BYTES && this.#cached.fits(size)) {
      return openedFile(await this.#cached.open(key, { sha256, size }))
    }
    return { ...readAnywhere(this.#objects, key, found), [Symbol.asyncDispose]: async () => {} }
  }

  async *list(): AsyncIterable<StoredBlob> {
    for await (const { key, size, storedAt } of this.#objects.list(this.#prefix)) {
      const sha256 = key.slice(-64)
      if (SHA256.test(sha256) && key === this.#key(sha256)) yield { sha256, size, storedAt }
    }
  }

  /**
   * As the port says; see `Deletions`. One whose request fails counts as under way for a while, and keeps
   * the next from it.
   *
   * @throws Problem `storage-unavailable`, also where another installation's blobs are
   */
  async delete(sha256: string, storedBefore?: Date): Promise<void> {
    if (!SHA256.test(sha256)) return
    await this.#demandOwn()
    await this.#locks.run(sha256, async () => {
      const end = await this.#deletions.begin(sha256)
      if (end === undefined) return
      const isWanted =
        storedBefore === undefined ||
        (await this.#isOlder(sha256, storedBefore).catch(async (error: unknown) => {
          await end()
          throw error
        }))
      if (isWanted) await this.#remove(sha256)
      await end()
    })
  }

  /** S3 may have been away when it was asked first. Without a claim nobody has said whose they are. */
  async #demandOwn(): Promise<void> {
    if (this.#claimed === undefined || this.#claimed.isOwn) return
    const { installation } = this.#claimed
    if ((await this.claim(installation)) !== installation)
      throw new Problem('storage-unavailable', 'these are the blobs of another installation')
  }

  async #isOlder(sha256: string, date: Date): Promise<boolean> {
    const [lookedAt, lookedOn] = [performance.now(), Date.now()]
    const found = await this.#objects.head(this.#key(sha256))
    // Stopped in between, it does not know what it deletes. One clock stands still while a machine sleeps, one may be set.
    const passed = Math.max(performance.now() - lookedAt, Date.now() - lookedOn)
    if (passed > LOOK_HOLDS_MS) throw new Problem('storage-unavailable', 'S3 is slow')
    return found !== undefined && found.storedAt.getTime() + DATE_STEP_MS < date.getTime()
  }

  async #remove(sha256: string): Promise<void> {
    this.#whole.forget(sha256)
    await this.#objects.remove(this.#key(sha256))
    await this.#cached.drop(sha256)
  }

  /**
   * Removes what earlier processes left: files in `tmp` and `cache`, and uploads in several parts that
   * any node began more than a day ago. Only for the one process that owns the folder, before its
   * first put.
   *
   * @throws Problem `storage-unavailable`
   */
  async removeLeftovers(): Promise<void> {
    await emptyFolder(this.#files, this.#tmp)
    await this.#cached.empty()
    await this.#uploads.abortOld(this.#prefix, new Date(Date.now() - UPLOAD_LEFT_MS))
  }

  async claim(installation: string, { isOver = false } = {}): Promise<string> {
    this.#claimed = { installation, isOwn: false }
    const key = `${this.#place}installation`
    let owner = isOver ? undefined : await this.#objects.text(key)
    if (owner === undefined) {
      await this.#objects.writeText(key, installation)
      // Another one may have written at the same time.
      owner = await this.#objects.text(key)
    }
    this.#claimed.isOwn = owner === installation
    return owner ?? installation
  }

  /** Whether the bucket answers us now: one small request, at most three seconds. */
  async isReachable(): Promise<boolean> {
    return this.#bucket.probe().then(
      () => true,
      () => false,
    )
  }

  async close(): Promise<void> {
    this.#bucket.close()
  }

  /** @throws Problem `blob-missing` for what is no address */
  #key(sha256: string): string {
    if (!SHA256.test(sha256)) throw new Problem('blob-missing', 'not the address of a blob')
    return `${this.#prefix}${sha256.slice(0, 2)}/${sha256}`
  }
}
