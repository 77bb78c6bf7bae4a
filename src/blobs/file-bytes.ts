import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { Readable, type Writable } from 'node:stream'
import type { BlobRef, RandomAccess } from '../core/ports.ts'
import { Problem } from '../errors.ts'

/** The address of a blob. */
export const SHA256 = /^[0-9a-f]{64}$/
/** The unit of writing, and of each of the two buffers that a large file is sent through. */
export const CHUNK_BYTES = 256 * 1024
/** Sources may deliver a few bytes at a time: then the number of buffers is the limit, not their size. */
const CHUNKS_PER_WRITE = 512

/** `small`: all bytes, of a file that came in one piece. */
export async function copyHashed(
  bytes: Readable,
  file: FileHandle,
  maxBytes: number,
): Promise<BlobRef & { small?: Buffer }> {
  const hash = createHash('sha256')
  let size = 0
  let batch: Buffer[] = []
  let batchBytes = 0

  const flush = async () => {
    const writing = io(writeAll(file, batch, batchBytes))
    // The write runs on another thread meanwhile.
    for (const chunk of batch) hash.update(chunk)
    batch = []
    batchBytes = 0
    await writing
  }

  for await (const next of bytes) {
    const chunk: Buffer = next
    size += chunk.length
    if (size > maxBytes) throw new Problem('upload-too-large', `more than ${maxBytes} bytes`)
    batch.push(chunk)
    batchBytes += chunk.length
    if (batchBytes >= CHUNK_BYTES || batch.length >= CHUNKS_PER_WRITE) await flush()
  }
  const small = batchBytes === size ? Buffer.concat(batch) : undefined
  if (batchBytes > 0) await flush()
  return { sha256: hash.digest('hex'), size, ...(small === undefined ? {} : { small }) }
}

/** Through two buffers that are used again and again: one is filled while the other is sent. */
export async function copyOut(file: FileHandle, start: number, end: number, to: Writable): Promise<void> {
  const buffers = [Buffer.allocUnsafeSlow(CHUNK_BYTES), Buffer.allocUnsafeSlow(CHUNK_BYTES)] as const
  const sent: [Promise<void>, Promise<void>] = [Promise.resolve(), Promise.resolve()]
  try {
    for (let at = start, turn: 0 | 1 = 0; at <= end; turn = turn === 0 ? 1 : 0) {
      await sent[turn]
      const { bytesRead } = await io(file.read(buffers[turn], 0, Math.min(CHUNK_BYTES, end - at + 1), at))
      if (bytesRead === 0) throw new Problem('blob-missing', 'the file is shorter than its row says')
      at += bytesRead
      sent[turn] = write(to, buffers[turn].subarray(0, bytesRead))
      // Awaited at its next turn: a failure until then is nobody's yet.
      sent[turn].catch(ignore)
    }
    await Promise.all(sent)
    to.end()
  } catch (error) {
    to.destroy(error instanceof Error ? error : undefined)
  }
}

/** Resolves when the sink has passed the bytes on: then their buffer may be used again. */
export function write(to: Writable, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

async function writeAll(file: FileHandle, chunks: Buffer[], length: number): Promise<void> {
  let { bytesWritten: written } = await file.writev(chunks)
  if (written === length) return
  // A nearly full disk takes a part; the next write tells what is wrong.
  const all = Buffer.concat(chunks)
  while (written < length) written += (await file.write(all, written)).bytesWritten
}

/** Lower-case hex, of the first `size` bytes. */
export async function hashOf(file: FileHandle, size: number): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(CHUNK_BYTES, size)))
  for (let at = 0; at < size; ) {
    const { bytesRead } = await io(file.read(buffer, 0, Math.min(buffer.length, size - at), at))
    if (bytesRead === 0) break
    hash.update(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
  return hash.digest('hex')
}

export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await io(file.read(bytes, filled, length - filled, offset + filled))
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return bytes.subarray(0, filled)
}

export function randomAccess(file: FileHandle, size: number): RandomAccess {
  return {
    size,
    read: (offset, length) => readAt(file, offset, Math.max(0, Math.min(length, size - offset))),
  }
}

/** The file is closed with it, and when this fails. */
export async function openedFile(file: FileHandle): Promise<RandomAccess & AsyncDisposable> {
  try {
    const { size } = await io(file.stat())
    return { ...randomAccess(file, size), [Symbol.asyncDispose]: () => file.close().catch(ignore) }
  } catch (error) {
    await file.close().catch(ignore)
    throw error
  }
}

/**
 * The file is closed at the end of the stream, and when this fails.
 *
 * @throws Problem `range-not-satisfiable`
 */
export async function streamOf(
  file: FileHandle,
  range: { start: number; end: number } | undefined,
): Promise<Readable> {
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

export function inMemory(bytes: Buffer): RandomAccess {
  return { size: bytes.length, read: async (offset, length) => bytes.subarray(offset, offset + length) }
}

/** @throws Problem `range-not-satisfiable`; an end behind the last byte means the last byte (RFC 9110 §14.1.2) */
export function insideOf(size: number, range: { start: number; end: number } | undefined) {
  if (!range) return { start: 0, end: size - 1 }
  const { start, end } = range
  if (start < 0 || start >= size || end < start) {
    throw new Problem('range-not-satisfiable', `${start}-${end} of ${size} bytes`)
  }
  return { start, end: Math.min(end, size - 1) }
}

export function once(bytes: Buffer): Readable {
  return new Readable({
    read() {
      if (bytes.length > 0) this.push(bytes)
      this.push(null)
    },
  })
}

/** Turns what the file system refuses (full, read-only, broken, out of handles) into a Problem. */
export async function io<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw unavailable(error)
  }
}

export function unavailable(error: unknown): unknown {
  return codeOf(error) ? new Problem('storage-unavailable', undefined, { cause: error }) : error
}

/** Like `ENOSPC`; undefined for what is not an answer of the operating system. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'errno' in error && 'code' in error ? String(error.code) : undefined
}

export function unlessMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error
}

export function ignore(): void {}
