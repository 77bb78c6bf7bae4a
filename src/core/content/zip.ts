import { promisify } from 'node:util'
import { inflateRaw } from 'node:zlib'
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader, type ZipFile } from 'yauzl'
import type { RandomAccess } from '../ports.ts'
import { Damaged, readExactly } from './damaged.ts'

const MAX_ENTRIES = 100_000
const MAX_DIRECTORY_BYTES = 8 * 1024 * 1024
const MAX_PART_BYTES = 4 * 1024 * 1024
const BLOCK_BYTES = 64 * 1024

const inflate = promisify(inflateRaw)

/** The wanted parts of a zip by their name in lower case; nothing else of it is kept. */
export type ZipParts = {
  has(name: string): boolean
  /** The part as text, undefined if there is none. @throws Damaged; also when it is larger than any honest one */
  text(name: string): Promise<string | undefined>
}

/**
 * Walks the directory of a zip and hands over the wanted parts.
 *
 * The walk ends after 100,000 entries or 8 MiB of directory, and a part may have 4 MiB,
 * packed and unpacked: no file makes this slow or large.
 *
 * @param partOf the name to keep an entry under, undefined for all that does not matter; the first of a name counts
 * @param isEnough ends the walk early
 * @throws Damaged when the directory or a part cannot be read, and whatever reading the bytes throws
 */
export function withZip<T>(
  bytes: RandomAccess,
  partOf: (name: string) => string | undefined,
  isEnough: (names: ReadonlySet<string>) => boolean,
  use: (parts: ZipParts) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const reader = new BlockReader(bytes, reject)
    const look = async () => {
      const { zip, entries } = await readDirectory(reader, bytes.size, partOf, isEnough).catch(asDamaged)
      return use({
        has: (name) => entries.has(name),
        text: async (name) => {
          const entry = entries.get(name)
          return entry && decodeXml(await readPart(bytes, zip, entry))
        },
      })
    }
    look().then(resolve, reject)
  })
}

async function readDirectory(
  reader: RandomAccessReader,
  size: number,
  partOf: (name: string) => string | undefined,
  isEnough: (names: ReadonlySet<string>) => boolean,
): Promise<{ zip: ZipFile; entries: Map<string, Entry> }> {
  // Undecoded names: yauzl refuses decoded ones with a leading slash, which office programs read.
  const options = { decodeStrings: false, validateEntrySizes: false, autoClose: false }
  const zip = await fromRandomAccessReaderPromise(reader, size, options)
  const entries = new Map<string, Entry>()
  const names = new Set<string>()
  let count = 0
  let directoryBytes = 0
  for await (const entry of zip.eachEntry()) {
    const name = partOf(
      entry.fileNameRaw.toString('utf8').replaceAll('\\', '/').replace(/^\//, '').toLowerCase(),
    )
    if (name !== undefined && !entries.has(name)) {
      entries.set(name, entry)
      names.add(name)
      if (isEnough(names)) break
    }
    count += 1
    directoryBytes += 46 + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
    if (count >= MAX_ENTRIES || directoryBytes >= MAX_DIRECTORY_BYTES) break
  }
  return { zip, entries }
}

async function readPart(bytes: RandomAccess, zip: ZipFile, entry: Entry): Promise<Buffer> {
  const isStored = entry.compressionMethod === 0
  if (entry.isEncrypted() || !(isStored || entry.compressionMethod === 8)) {
    throw new Damaged('A part is packed in a way that office files do not use')
  }
  if (entry.compressedSize > MAX_PART_BYTES || entry.uncompressedSize > MAX_PART_BYTES) {
    throw new Damaged('A part is too large')
  }
  const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true }).catch(asDamaged)
  const packed = await readExactly(bytes, fileDataStart, entry.compressedSize)
  // The announced size may lie: the limit holds for what really comes out.
  return isStored ? packed : inflate(packed, { maxOutputLength: MAX_PART_BYTES }).catch(asDamaged)
}

function decodeXml(part: Buffer): string {
  const isUtf16 = part[0] === 0xff && part[1] === 0xfe
  const isUtf16Be = part[0] === 0xfe && part[1] === 0xff
  return new TextDecoder(isUtf16 ? 'utf-16le' : isUtf16Be ? 'utf-16be' : 'utf-8').decode(part)
}

function asDamaged(cause: unknown): never {
  throw new Damaged('The zip cannot be read', { cause })
}

/**
 * Feeds yauzl by blocks, since it asks for each entry of the directory in two small reads.
 *
 * A fault of the storage, or anything thrown inside yauzl's callbacks, goes to `onFault`: it is
 * no finding about the file, and yauzl would leave its promise open for ever.
 */
class BlockReader extends RandomAccessReader {
  readonly #bytes: RandomAccess
  readonly #onFault: (error: unknown) => void
  #block: Buffer = Buffer.alloc(0)
  #blockStart = 0

  constructor(bytes: RandomAccess, onFault: (error: unknown) => void) {
    super()
    this.#bytes = bytes
    this.#onFault = onFault
  }

  override read(
    target: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    this.#fill(position, length)
      .then((part) => callback(null, part.copy(target, offset)))
      .catch(this.#onFault)
  }

  async #fill(position: number, length: number): Promise<Buffer> {
    if (position > this.#bytes.size) return Buffer.alloc(0)
    const start = position - this.#blockStart
    if (start >= 0 && start + length <= this.#block.length) return this.#block.subarray(start, start + length)
    this.#block = await this.#bytes.read(position, Math.max(length, BLOCK_BYTES))
    this.#blockStart = position
    return this.#block.subarray(0, length)
  }
}
