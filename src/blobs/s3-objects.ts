import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3'
import { isProblem, Problem } from '../errors.ts'
import { ignore } from './file-bytes.ts'
import type { S3Bucket, TimeLimit } from './s3-bucket.ts'
import { incomplete, nameOf, s3Unavailable, statusOf } from './s3-problem.ts'

export type ObjectState = { size: number; etag: string; storedAt: Date }
/** `end` is inclusive, and before `start` when there are no bytes. */
export type ObjectPart = { body: Readable; start: number; end: number; etag: string }

/** Whoever stores the same bytes waits for it. */
const REMOVAL: TimeLimit = { tryMs: 5000, allMs: 5000 }

/** The object is not the one that was read before. */
export class ObjectChanged extends Error {
  override readonly name = 'ObjectChanged'
}

/** The objects of one bucket. Every method throws Problem `storage-unavailable`. */
export class S3Objects {
  readonly #bucket: S3Bucket

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket
  }

  /** Undefined when there is no such object. */
  async head(key: string): Promise<ObjectState | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket.name, Key: key })
    try {
      const found = await this.#bucket.callRaw((client, how) => client.send(command, how))
      const { ContentLength: size, ETag: etag, LastModified: storedAt } = found
      if (size === undefined || etag === undefined || storedAt === undefined) throw incomplete('HEAD')
      return { size, etag, storedAt }
    } catch (error) {
      if (statusOf(error) !== 404) throw s3Unavailable(error)
      // The answer has no body that says whether it is the bucket that is missing.
      await this.#bucket.probe()
      return undefined
    }
  }

  /**
   * @param from.end an end behind the last byte means the last byte
   * @param from.etag of the object that is meant
   * @throws Problem `blob-missing`, `range-not-satisfiable`; ObjectChanged
   */
  async read(key: string, from: { start?: number; end?: number; etag?: string } = {}): Promise<ObjectPart> {
    const { start, end, etag } = from
    const command = new GetObjectCommand({
      Bucket: this.#bucket.name,
      Key: key,
      ...(start === undefined ? {} : { Range: `bytes=${start}-${end ?? ''}` }),
      ...(etag === undefined ? {} : { IfMatch: etag }),
    })
    try {
      const answer = await this.#bucket.callRaw((client, how) => client.send(command, how))
      const { Body: body, ContentLength: length, ContentRange: range, ETag } = answer
      if (!(body instanceof Readable)) throw incomplete('GET')
      // It may fail before anybody reads it.
      body.on('error', ignore)
      try {
        if (length === undefined || ETag === undefined) throw incomplete('GET')
        // Where the store does not know the condition.
        if (etag !== undefined && ETag !== etag) throw new ObjectChanged()
        if (start !== undefined && !range?.startsWith(`bytes ${start}-`)) throw incomplete('GET of a range')
      } catch (error) {
        body.destroy()
        throw error
      }
      const first = start ?? 0
      return { body, start: first, end: first + length - 1, etag: ETag }
    } catch (error) {
      throw await this.#readProblem(error)
    }
  }

  async #readProblem(error: unknown): Promise<unknown> {
    if (error instanceof ObjectChanged) return error
    switch (statusOf(error)) {
      case 412:
        return new ObjectChanged()
      case 416:
        return new Problem('range-not-satisfiable')
      case 404:
        break
      default:
        return s3Unavailable(error)
    }
    // Whatever a store calls a missing object, a missing bucket loses none.
    const trouble = nameOf(error) === 'NoSuchKey' ? undefined : await this.#bucket.probe().catch((it) => it)
    return trouble ?? new Problem('blob-missing', 'there is no such blob')
  }

  async *list(prefix: string): AsyncIterable<{ key: string; size: number; storedAt: Date }> {
    for (let next: string | undefined; ; ) {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket.name,
        Prefix: prefix,
        ...(next === undefined ? {} : { ContinuationToken: next }),
      })
      const page = await this.#bucket.call((client, how) => client.send(command, how))
      for (const { Key: key, Size: size, LastModified: storedAt } of page.Contents ?? []) {
        if (key !== undefined && size !== undefined && storedAt !== undefined) yield { key, size, storedAt }
      }
      next = page.NextContinuationToken
      if (!page.IsTruncated) return
      // Half a list would pass for the whole.
      if (next === undefined) throw s3Unavailable(incomplete('ListObjectsV2'))
    }
  }

  /** Undefined when there is no such object. */
  async text(key: string): Promise<string | undefined> {
    try {
      const { body } = await this.read(key)
      return await text(body)
    } catch (error) {
      if (isProblem(error, 'blob-missing')) return undefined
      throw isProblem(error) ? error : s3Unavailable(error)
    }
  }

  async writeText(key: string, body: string): Promise<void> {
    const command = new PutObjectCommand({ Bucket: this.#bucket.name, Key: key, Body: body })
    await this.#bucket.call((client, how) => client.send(command, how))
  }

  /** Tried once: see `Deletions`. No error if there is none. */
  async remove(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket.name, Key: key })
    await this.#bucket.callOnce((client, how) => client.send(command, how), REMOVAL)
  }
}
