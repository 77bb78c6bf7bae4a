import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { ListMultipartUploadsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, test } from 'vitest'
import type { Deletions } from '../../src/blobs/deletions.ts'
import { S3Blobs, type S3BlobsOptions } from '../../src/blobs/s3.ts'
import { s3Address } from '../../src/blobs/s3-address.ts'
import type { BlobRef } from '../../src/core/ports.ts'
import { noSwift, type Swift, startSwift } from '../support/swift.ts'

export const CACHE_BYTES = 100 * 1024 * 1024
export const BUCKET = 'blobs-of-tests'
const VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const

export type SubjectOptions = {
  cacheBytes?: number
  endpoint?: string
  bucket?: string
  deletions?: Deletions
}

/** A Swift that runs while the tests of one file do, with the environment of who may use it. */
export class S3OfTests {
  #swift: Swift | undefined

  /** @throws Error outside of tests */
  get swift(): Swift {
    if (this.#swift === undefined) throw new Error('Swift runs in tests only')
    return this.#swift
  }

  async start() {
    this.#swift = await startSwift()
    Object.assign(process.env, this.#swift.credentials)
    await this.#swift.makeBucket(BUCKET)
  }

  async stop() {
    await this.#swift?.stop()
  }

  /** Each has a prefix of its own in the one bucket. */
  async subject({ cacheBytes = CACHE_BYTES, endpoint, bucket = BUCKET, deletions }: SubjectOptions = {}) {
    const prefix = `tests/${randomUUID()}`
    const root = await mkdtemp(join(tmpdir(), 'blobs-s3-'))
    const address = s3Address(`s3://${bucket}?endpoint=${endpoint ?? this.swift.endpoint}&prefix=${prefix}`)
    const shared = deletions === undefined ? {} : { deletions }
    const options: S3BlobsOptions = { address, root, cacheBytes, ...shared }
    const store = await S3Blobs.open(options)
    const raw = this.#rawClient()
    const keyOf = (address: string) => `${prefix}/blobs/${address.slice(0, 2)}/${address}`
    return {
      root,
      store,
      address,
      raw,
      /** As another process that has read nothing yet. */
      another: () => S3Blobs.open(options),
      overwrite: (address: string, Body: Buffer) =>
        raw.send(new PutObjectCommand({ Bucket: BUCKET, Key: keyOf(address), Body })),
      cached: () => readdir(join(root, 'cache')),
      leftovers: async () => [...(await readdir(join(root, 'tmp'))), ...(await openUploads(raw, prefix))],
      [Symbol.asyncDispose]: async () => {
        await store.close()
        raw.destroy()
        await rm(root, { recursive: true })
      },
    }
  }

  #rawClient() {
    const { endpoint, region, credentials } = this.swift
    return new S3Client({
      endpoint,
      region,
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      credentials: {
        accessKeyId: credentials.AWS_ACCESS_KEY_ID,
        secretAccessKey: credentials.AWS_SECRET_ACCESS_KEY,
      },
    })
  }
}

/** Tests that need S3: skipped with a word where there is no Swift, unless REQUIRE_SERVICES=1. */
export function describeS3(tests: (s3: S3OfTests) => void) {
  const missing = noSwift()
  if (missing !== undefined) {
    test.skip(missing, () => {})
    return
  }
  const s3 = new S3OfTests()
  const before = VARIABLES.map((name) => [name, process.env[name]] as const)

  describe('S3', () => {
    beforeAll(() => s3.start(), 120_000)
    afterAll(async () => {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
      await s3.stop()
    })
    tests(s3)
  })
}

/** Keys of uploads in several parts that are neither complete nor aborted. */
export async function openUploads(raw: S3Client, prefix: string): Promise<string[]> {
  const page = await raw.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: prefix }))
  return (page.Uploads ?? []).map(({ Key = '' }) => Key)
}

export function flipped(bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes)
  const middle = bytes.length >> 1
  damaged.writeUInt8(damaged.readUInt8(middle) ^ 1, middle)
  return damaged
}

export function collector() {
  const chunks: Buffer[] = []
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      // The sender may use its buffer again.
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  sink.on('error', () => {})
  return { sink, received: () => Buffer.concat(chunks) }
}

/** @throws Error when the sink was destroyed, or what `send` throws */
export async function sent(
  store: S3Blobs,
  blob: BlobRef,
  range?: { start: number; end: number },
): Promise<Buffer> {
  const { sink, received } = collector()
  const closed = new Promise((resolve) => sink.once('close', resolve))
  await store.send(blob, range, sink)
  await closed
  if (!sink.writableFinished) throw new Error('the sink was destroyed')
  return received()
}
