import { randomUUID } from 'node:crypto'
import type { Dir, Stats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { BlobRef, PutLimits } from '../core/ports.ts'
import { copyHashed, ignore, inMemory, io, randomAccess } from './file-bytes.ts'

/** The file-system functions in use; tests pass some that fail. */
export type Files = {
  open(path: string, flags: string, mode?: number): Promise<FileHandle>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** @returns the first folder that had to be made */
  mkdir(path: string, options: { recursive: true }): Promise<string | undefined>
  stat(path: string): Promise<Stats>
  opendir(path: string): Promise<Dir>
}

/** Where bytes wait, hashed and looked at, until it is known that they are kept. */
export class Staging {
  readonly #files: Files
  readonly #folder: string
  readonly #isDurable: boolean

  /** @param options.isDurable the staged file becomes the blob, and is fsynced before */
  constructor({ files, folder, isDurable }: { files: Files; folder: string; isDurable: boolean }) {
    this.#files = files
    this.#folder = folder
    this.#isDurable = isDurable
  }

  /**
   * Stages a stream and hands its file over. The file is removed when anything fails, then the
   * stream is destroyed too; otherwise it is for `keep` to move or remove it.
   *
   * @throws Problem `upload-too-large`, `storage-unavailable`; whatever `inspect`, `keep` or the stream throws
   */
  async take<T>(
    bytes: Readable,
    limits: PutLimits,
    keep: (path: string, blob: BlobRef) => Promise<T>,
  ): Promise<T> {
    // Without a listener, a source failing while nobody reads it would end the process.
    bytes.on('error', ignore)
    const path = join(this.#folder, randomUUID())
    try {
      return await keep(path, await this.#write(path, bytes, limits))
    } catch (error) {
      bytes.destroy()
      // Gone already if it was moved; whatever else stays is for empty().
      await this.#files.unlink(path).catch(ignore)
      throw error
    }
  }

  async #write(path: string, bytes: Readable, { maxBytes, inspect }: PutLimits): Promise<BlobRef> {
    const file = await io(this.#files.open(path, 'wx+', 0o600))
    try {
      const { small, ...blob } = await copyHashed(bytes, file, maxBytes)
      if (inspect) await inspect(small === undefined ? randomAccess(file, blob.size) : inMemory(small))
      // Once only: after a failed fsync the kernel may report success for pages that it dropped.
      if (this.#isDurable) await io(file.sync())
      await io(file.close())
      return blob
    } catch (error) {
      await file.close().catch(ignore)
      throw error
    }
  }
}

/**
 * Removes the files of a folder, not its folders.
 *
 * @throws Problem `storage-unavailable`
 */
export async function emptyFolder(files: Files, folder: string): Promise<void> {
  for await (const entry of await io(files.opendir(folder))) {
    if (entry.isFile()) await io(files.unlink(join(folder, entry.name)))
  }
}
