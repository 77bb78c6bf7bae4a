import { constants, type Stats } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { blobFile } from '../blobs/disk.ts'
import type { Mention } from '../metadata/mentions.ts'
import type { BlobFault } from './blob-fault.ts'
import { copyChecked, hashOfFile } from './copy-checked.ts'

/** Copies blobs from one root to another under their addresses; one that is there whole is left alone. */
export class BlobCopies {
  readonly #from: string
  readonly #to: string
  readonly #durableUntilMs: number
  /** What was in a folder of the target before, by its path. Asking once for each folder is what makes many small files fast. */
  readonly #there = new Map<string, Promise<Set<string>>>()
  #last = ''
  /** What the source does not have, or not whole. */
  readonly faults: { sha256: string; problem: BlobFault['problem'] }[] = []
  copied = 0
  skipped = 0
  /** Copied or there before, with their bytes. */
  blobs = 0
  blobBytes = 0

  /** @param durableUntilMs what the target has from before this time is on its disk, in ms since 1970 */
  constructor({ from, to, durableUntilMs }: { from: string; to: string; durableUntilMs: number }) {
    this.#from = from
    this.#to = to
    this.#durableUntilMs = durableUntilMs
  }

  async copy({ sha256, size }: Mention): Promise<void> {
    // Twice where rows differ about its size.
    if (sha256 === this.#last) return
    this.#last = sha256
    const from = blobFile(this.#from, sha256)
    const to = blobFile(this.#to, sha256)
    const isThere = (await this.#namesIn(dirname(to))).has(sha256)
    const source = await fs.stat(from).catch(() => undefined)
    if (source !== undefined && (size === null || source.size === size)) {
      if (isThere && (await this.#isWhole(to, sha256, source))) return this.#count('skipped', source)
      // Where the file system can share the bytes, none are copied.
      const isCopied = () => fs.copyFile(from, to, constants.COPYFILE_FICLONE).then(yes, no)
      if (!isThere && (await isCopied())) return this.#count('copied', source)
    }
    // Something is wrong. What an earlier backup has is given up for nothing but whole bytes.
    const outcome = await copyChecked(from, to, { sha256, staged: `${to}.part` })
    if (outcome === 'copied') this.#count('copied', await fs.stat(to))
    else this.faults.push({ sha256, problem: outcome })
  }

  /** Reads it only when there is a reason to doubt it. */
  async #isWhole(path: string, sha256: string, source: Stats): Promise<boolean> {
    const there = await fs.stat(path)
    if (there.size !== source.size) return false
    // A power cut may have taken bytes of a run that did not end, and damage that was copied may be healed by now.
    const isSure = there.mtimeMs <= this.#durableUntilMs && source.mtimeMs <= there.mtimeMs
    return isSure || (await hashOfFile(path)) === sha256
  }

  #count(what: 'copied' | 'skipped', { size }: Stats): void {
    this[what] += 1
    this.blobs += 1
    this.blobBytes += size
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

const yes = () => true
const no = () => false
