import { constants } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { blobFile } from '../blobs/disk.ts'
import { codeOf } from '../blobs/file-bytes.ts'
import type { Mention } from '../metadata/mentions.ts'

/** Copies blobs from one root to another under their addresses; one that is there with its size is left alone. */
export class BlobCopies {
  readonly #from: string
  readonly #to: string
  /** What was in a folder of the target before, by its path. Asking once for each folder is what makes many small files fast. */
  readonly #there = new Map<string, Promise<Set<string>>>()
  readonly missing: string[] = []
  copied = 0
  skipped = 0
  /** Copied or there before, with their bytes. */
  blobs = 0
  blobBytes = 0

  constructor({ from, to }: { from: string; to: string }) {
    this.#from = from
    this.#to = to
  }

  async copy({ sha256, size }: Mention): Promise<void> {
    const from = blobFile(this.#from, sha256)
    const to = blobFile(this.#to, sha256)
    try {
      const isThere = (await this.#namesIn(dirname(to))).has(sha256)
      // A copy that was cut short is shorter: its bytes are written from the first to the last.
      const bytes = isThere || size === null ? (await fs.stat(from)).size : size
      if (isThere && (await fs.stat(to)).size === bytes) this.skipped += 1
      else {
        // Where the file system can share the bytes, none are copied.
        await fs.copyFile(from, to, constants.COPYFILE_FICLONE)
        this.copied += 1
      }
      this.blobs += 1
      this.blobBytes += bytes
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      this.missing.push(sha256)
    }
  }

  #namesIn(folder: string): Promise<Set<string>> {
    const known = this.#there.get(folder)
    if (known !== undefined) return known
    // Addresses come in their order: no folder comes back once a few others have come.
    const [oldest] = this.#there.keys()
    if (oldest !== undefined && this.#there.size > 16) this.#there.delete(oldest)
    const names = fs.mkdir(folder, { recursive: true }).then(async () => new Set(await fs.readdir(folder)))
    this.#there.set(folder, names)
    return names
  }
}
