import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { RandomAccess } from '../core/ports.ts'
import { CHUNK_BYTES } from './file-bytes.ts'
import type { ObjectPart, ObjectState, S3Objects } from './s3-objects.ts'
import { s3Unavailable } from './s3-problem.ts'

/** Milliseconds that S3 may send nothing while we wait for it; a slow reader of ours may take any time. */
const STALL_MS = 30_000
/** Connections in a row that bring not one byte. */
const MOST_FAILURES = 3

/**
 * The bytes of a part, exactly so many, or a failure (Problem `storage-unavailable`). When S3 cuts
 * the answer off or falls silent, the rest is asked for again: of the same object, by its ETag.
 */
export class ObjectStream extends Readable {
  readonly #objects: S3Objects
  readonly #key: string
  readonly #part: ObjectPart
  readonly #chunks = this.#read()
  #body: Readable

  constructor(objects: S3Objects, key: string, part: ObjectPart) {
    super({ highWaterMark: CHUNK_BYTES })
    this.#objects = objects
    this.#key = key
    this.#part = part
    this.#body = part.body
  }

  override _read(): void {
    this.#chunks.next().then(
      ({ value, done }) => this.push(done ? null : value),
      (error: Error) => this.destroy(error),
    )
  }

  /** A reader that goes away does not wait for the next bytes, nor leaves a connection behind. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#body.destroy()
    done(error)
  }

  async *#read(): AsyncGenerator<Buffer, undefined> {
    const { start, end, etag } = this.#part
    let at = start
    for (let failures = 0; at <= end; ) {
      let failure: unknown = new Error('cut off')
      try {
        for await (const chunk of inTime(this.#body)) {
          failures = 0
          at += chunk.length
          yield chunk
        }
      } catch (error) {
        failure = error
      }
      if (at > end || this.destroyed) return
      failures += 1
      if (failures >= MOST_FAILURES) throw s3Unavailable(failure)
      const rest = await this.#objects.read(this.#key, { start: at, end, etag }).catch((error: unknown) => {
        throw s3Unavailable(error)
      })
      this.#body = rest.body
      // Destroyed meanwhile: it did not know of this one.
      if (this.destroyed) rest.body.destroy()
    }
    this.#body.resume()
  }
}

/** The clock runs while we wait for S3, not while our own reader has the bytes. */
async function* inTime(body: Readable): AsyncGenerator<Buffer> {
  const startTimer = () => setTimeout(() => body.destroy(new Error('stalled')), STALL_MS)
  let timer = startTimer()
  try {
    for await (const next of body) {
      clearTimeout(timer)
      const chunk: Buffer = next
      yield chunk
      timer = startTimer()
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Each reading is a request, for the object that it was at first. */
export function readAnywhere(
  objects: S3Objects,
  key: string,
  { size, etag }: Pick<ObjectState, 'size' | 'etag'>,
): RandomAccess {
  return {
    size,
    read: async (start, length) => {
      const end = Math.min(start + length, size) - 1
      if (end < start) return Buffer.alloc(0)
      const part = await objects.read(key, { start, end, etag }).catch((error: unknown) => {
        throw s3Unavailable(error)
      })
      return buffer(new ObjectStream(objects, key, part))
    },
  }
}
