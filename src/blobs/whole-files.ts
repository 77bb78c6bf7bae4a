import type { FileHandle } from 'node:fs/promises'
import type { Writable } from 'node:stream'
import { LRUCache } from 'lru-cache'
import type { BlobRef } from '../core/ports.ts'
import { copyOut, hashOf, io, readAt } from './file-bytes.ts'

/** Sent in one piece and remembered. */
const SMALL_BYTES = 64 * 1024
const SMALL_CACHE_BYTES = 16 * 1024 * 1024
/** Blobs. */
const WHOLE_KNOWN = 50_000

type Range = { start: number; end: number }

/** What is known of blobs that lie in files: which ones are undamaged, and the bytes of small ones. */
export class WholeFiles {
  /** Small files are asked for by every opener, and never change. */
  readonly #small = new LRUCache<string, Buffer>({
    maxSize: SMALL_CACHE_BYTES,
    sizeCalculation: (bytes) => bytes.length || 1,
  })
  /** Blobs that were found whole, with what tells whether they are still the same file. */
  readonly #whole = new LRUCache<string, string>({ max: WHOLE_KNOWN })

  /** Whether the bytes are those of the address: read and hashed once while the file stays the same. */
  async isWhole(file: FileHandle, { sha256, size }: BlobRef): Promise<boolean> {
    const found = await io(file.stat())
    if (found.size !== size) return false
    const state = `${found.ino} ${found.mtimeMs}`
    if (this.#whole.get(sha256) === state) return true
    if ((await hashOf(file, size)) !== sha256) return false
    this.#whole.set(sha256, state)
    return true
  }

  /** Ends the sink with the bytes if they are in memory. @returns whether they are */
  sendKnown(sha256: string, { start, end }: Range, to: Writable): boolean {
    const known = this.#small.get(nameOf(sha256, start, end))
    if (known !== undefined) to.end(known)
    return known !== undefined
  }

  /** Sends from a file that was found whole. */
  async send(file: FileHandle, sha256: string, { start, end }: Range, to: Writable): Promise<void> {
    if (end - start >= SMALL_BYTES) return copyOut(file, start, end, to)
    const bytes = await readAt(file, start, end - start + 1)
    this.#small.set(nameOf(sha256, start, end), bytes)
    to.end(bytes)
  }
}

function nameOf(sha256: string, start: number, end: number): string {
  return `${sha256} ${start} ${end}`
}
