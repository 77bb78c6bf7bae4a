import type { RandomAccess } from '../ports.ts'
import { Damaged, readExactly } from './damaged.ts'

export const OLE_SIGNATURE = Buffer.from('d0cf11e0a1b11ae1', 'hex')

const MAX_DIRECTORY_BYTES = 1024 * 1024
const ENTRY_BYTES = 128
const HEADER_FAT_SECTORS = 109
/** Sector numbers from here on are marks (end of chain, free), not places. */
const FIRST_MARK = 0xfffffffa
const NO_ENTRY = 0xffffffff

type Entry = { name: string; left: number; right: number; child: number }

/**
 * Names, in lower case, of the streams and storages at the top of an OLE compound file. What is
 * embedded deeper, such as a workbook in a letter, says nothing about the file.
 *
 * Source: MS-CFB §2.2–2.6.
 *
 * @throws Damaged
 */
export async function oleTopNames(bytes: RandomAccess): Promise<Set<string>> {
  const entries = await readDirectory(bytes)
  const names = new Set<string>()
  // The children of a storage are a tree of siblings; `seen` ends the loops of a damaged one.
  const seen = new Set<number>()
  const next = [entries[0]?.child ?? NO_ENTRY]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    const entry = entries[id]
    if (!entry || seen.has(id)) continue
    seen.add(id)
    names.add(entry.name)
    next.push(entry.left, entry.right)
  }
  return names
}

async function readDirectory(bytes: RandomAccess): Promise<Entry[]> {
  const header = await readExactly(bytes, 0, 512)
  const shift = header.readUInt16LE(30)
  if (shift !== 9 && shift !== 12) throw new Damaged('The sector size is not one of OLE')
  const sectorBytes = 2 ** shift
  const fat = new SectorTable(bytes, header, sectorBytes)
  const entries: Entry[] = []
  let sector = header.readUInt32LE(48)
  while (sector < FIRST_MARK) {
    // A chain that runs in a circle ends here too.
    if (entries.length * ENTRY_BYTES >= MAX_DIRECTORY_BYTES) throw new Damaged('The directory is too large')
    const content = await readExactly(bytes, (sector + 1) * sectorBytes, sectorBytes)
    for (let offset = 0; offset < sectorBytes; offset += ENTRY_BYTES) {
      entries.push(entryAt(content.subarray(offset, offset + ENTRY_BYTES)))
    }
    sector = await fat.after(sector)
  }
  return entries
}

function entryAt(entry: Buffer): Entry {
  // The length counts the closing NUL.
  const nameBytes = Math.max(0, Math.min(entry.readUInt16LE(64), 64) - 2)
  return {
    name: entry.toString('utf16le', 0, nameBytes).toLowerCase(),
    left: entry.readUInt32LE(68),
    right: entry.readUInt32LE(72),
    child: entry.readUInt32LE(76),
  }
}

/** Which sector follows which (FAT), found through the list of its own sectors (DIFAT). */
class SectorTable {
  readonly #bytes: RandomAccess
  readonly #header: Buffer
  readonly #sectorBytes: number
  readonly #difat: Buffer[] = []
  #fat: Buffer | undefined
  #fatIndex = -1

  constructor(bytes: RandomAccess, header: Buffer, sectorBytes: number) {
    this.#bytes = bytes
    this.#header = header
    this.#sectorBytes = sectorBytes
  }

  async after(sector: number): Promise<number> {
    const perSector = this.#sectorBytes / 4
    const index = Math.floor(sector / perSector)
    if (this.#fat === undefined || index !== this.#fatIndex) {
      this.#fat = await this.#read(await this.#fatSector(index))
      this.#fatIndex = index
    }
    return this.#fat.readUInt32LE((sector % perSector) * 4)
  }

  async #fatSector(index: number): Promise<number> {
    if (index < HEADER_FAT_SECTORS) return this.#header.readUInt32LE(76 + index * 4)
    // The last number of a DIFAT sector names the next one.
    const perSector = this.#sectorBytes / 4 - 1
    const nth = Math.floor((index - HEADER_FAT_SECTORS) / perSector)
    while (this.#difat.length <= nth) {
      const next = this.#difat.at(-1)?.readUInt32LE(perSector * 4) ?? this.#header.readUInt32LE(68)
      this.#difat.push(await this.#read(next))
    }
    return this.#difat[nth]?.readUInt32LE(((index - HEADER_FAT_SECTORS) % perSector) * 4) ?? FIRST_MARK
  }

  #read(sector: number): Promise<Buffer> {
    return readExactly(this.#bytes, (sector + 1) * this.#sectorBytes, this.#sectorBytes)
  }
}
