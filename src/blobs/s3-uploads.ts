import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import PQueue from 'p-queue'
import type { BlobRef } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import { ignore, readAt } from './file-bytes.ts'
import { type S3Bucket, SENDING } from './s3-bucket.ts'
import { incomplete, s3Unavailable } from './s3-problem.ts'

/** At most so many bytes go in one request. Amazon takes no smaller parts than 5 MiB. */
const PART_BYTES = 8 * 1024 * 1024
/** Swift's limit; Amazon's is 10,000. */
const MOST_PARTS = 1000
/** Requests with more than this share a limit, since each holds its bytes. */
const LARGE_BYTES = 1024 * 1024
const LARGE_AT_ONCE = 4

type Upload = { Bucket: string; Key: string; UploadId: string }
type Part = { PartNumber: number; ETag: string }

/**
 * Sends staged files to S3. Requests with much in them wait for each other, so that memory grows
 * neither with the size of a file nor with the number of files.
 *
 * Why S3 holds what was hashed: the bytes of the requests are hashed again as they are read back and
 * must come to the blob's address, and S3 refuses a request whose bytes are not those of its
 * Content-MD5 and signed SHA-256, also each one of several parts. ETags would say less: they are no
 * MD5 of the content for several parts, nor of objects encrypted with keys of one's own.
 */
export class S3Uploads {
  readonly #bucket: S3Bucket
  readonly #large = new PQueue({ concurrency: LARGE_AT_ONCE })

  constructor(bucket: S3Bucket) {
    this.#bucket = bucket
  }

  /** Replaces what is there. @throws Problem `storage-unavailable`; then nothing of the file is listed */
  async upload(key: string, file: FileHandle, blob: BlobRef): Promise<void> {
    const { size } = blob
    if (size > PART_BYTES) return this.#uploadInParts(key, file, blob)
    const put = () => this.#put(key, file, blob)
    await (size > LARGE_BYTES ? this.#large.add(put) : put())
  }

  async #put(key: string, file: FileHandle, blob: BlobRef): Promise<void> {
    const bytes = await readAt(file, 0, blob.size)
    demandSame(createHash('sha256').update(bytes).digest('hex'), blob)
    const command = new PutObjectCommand({
      Bucket: this.#bucket.name,
      Key: key,
      Body: bytes,
      ContentMD5: md5(bytes),
    })
    await this.#bucket.call((client, how) => client.send(command, how), SENDING)
  }

  /** One part after the other, so that the file is hashed in order; those of other files go meanwhile. */
  async #uploadInParts(key: string, file: FileHandle, blob: BlobRef): Promise<void> {
    const { size } = blob
    const partBytes = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS))
    const upload = await this.#start(key)
    try {
      const hash = createHash('sha256')
      const parts: Part[] = []
      for (let at = 0; at < size; at += partBytes) {
        const part = await this.#large.add(async () => {
          const bytes = await readAt(file, at, Math.min(partBytes, size - at))
          hash.update(bytes)
          return this.#putPart(upload, parts.length + 1, bytes)
        })
        parts.push(part)
      }
      demandSame(hash.digest('hex'), blob)
      const command = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } })
      await this.#bucket.call((client, how) => client.send(command, how), SENDING)
    } catch (error) {
      // If S3 cannot be reached now, abortOld() does it another day.
      await this.#abort(upload).catch(ignore)
      throw error
    }
  }

  async #start(key: string): Promise<Upload> {
    const command = new CreateMultipartUploadCommand({ Bucket: this.#bucket.name, Key: key })
    const { UploadId } = await this.#bucket.call((client, how) => client.send(command, how))
    if (UploadId === undefined) throw s3Unavailable(incomplete('CreateMultipartUpload'))
    return { Bucket: this.#bucket.name, Key: key, UploadId }
  }

  async #putPart(upload: Upload, PartNumber: number, bytes: Buffer): Promise<Part> {
    const command = new UploadPartCommand({ ...upload, PartNumber, Body: bytes, ContentMD5: md5(bytes) })
    const { ETag } = await this.#bucket.call((client, how) => client.send(command, how), SENDING)
    if (ETag === undefined) throw s3Unavailable(incomplete('UploadPart'))
    return { PartNumber, ETag }
  }

  async #abort(upload: Upload): Promise<void> {
    const command = new AbortMultipartUploadCommand(upload)
    await this.#bucket.call((client, how) => client.send(command, how))
  }

  /** Ends uploads in several parts that nobody will finish. @throws Problem `storage-unavailable` */
  async abortOld(prefix: string, startedBefore: Date): Promise<void> {
    let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {}
    while (after !== undefined) {
      const command: ListMultipartUploadsCommand = new ListMultipartUploadsCommand({
        Bucket: this.#bucket.name,
        Prefix: prefix,
        ...after,
      })
      const page = await this.#bucket.call((client, how) => client.send(command, how))
      for (const { Key, UploadId, Initiated: startedAt } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || startedAt === undefined) continue
        if (startedAt < startedBefore) await this.#abort({ Bucket: this.#bucket.name, Key, UploadId })
      }
      const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page
      after = page.IsTruncated && KeyMarker && UploadIdMarker ? { KeyMarker, UploadIdMarker } : undefined
    }
  }
}

function demandSame(found: string, { sha256 }: BlobRef): void {
  if (found !== sha256) throw new Problem('storage-unavailable', 'the staged file has changed')
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('base64')
}
