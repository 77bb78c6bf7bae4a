import { constants, crc32, deflateRawSync } from 'node:zlib'
import { unzipSync } from 'fflate'

const BLOCK_BYTES = 1024 ** 2

type Entry = { name: string; crc: number; size: number; packed: Buffer[] }

/**
 * The zip with one of its parts grown to a size of up to 4 GiB, by a text repeated in front of a mark. The
 * result is a thousandth of that: the same deflated block again and again.
 */
export function growPart(
  bytes: Buffer,
  { name, mark, text, size }: { name: string; mark: string; text: string; size: number },
): Buffer {
  const entries = Object.entries(unzipSync(bytes)).map(([part, content]): Entry => {
    if (part !== name) return entryOf(part, [{ bytes: Buffer.from(content), times: 1 }])
    const at = Buffer.from(content).indexOf(mark)
    if (at < 0) throw new Error(`${name} has no ${mark}`)
    const block = Buffer.from(text.repeat(Math.ceil(BLOCK_BYTES / text.length)))
    return entryOf(part, [
      { bytes: Buffer.from(content.subarray(0, at)), times: 1 },
      { bytes: block, times: Math.floor(size / block.length) },
      { bytes: Buffer.from(content.subarray(at)), times: 1 },
    ])
  })
  return zipOf(entries)
}

function entryOf(name: string, runs: { bytes: Buffer; times: number }[]): Entry {
  const entry: Entry = { name, crc: 0, size: 0, packed: [] }
  for (const { bytes, times } of runs) {
    const packed = deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH })
    for (let i = 0; i < times; i++) {
      entry.crc = crc32(bytes, entry.crc)
      entry.size += bytes.length
      entry.packed.push(packed)
    }
  }
  entry.packed.push(deflateRawSync(Buffer.alloc(0)))
  return entry
}

/** Source: PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16. */
function zipOf(entries: Entry[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, crc, size, packed } of entries) {
    const fields = Buffer.alloc(26)
    fields.writeUInt16LE(20, 0)
    fields.writeUInt16LE(8, 4)
    fields.writeUInt32LE(crc, 10)
    fields.writeUInt32LE(
      packed.reduce((sum, { length }) => sum + length, 0),
      14,
    )
    fields.writeUInt32LE(size, 18)
    fields.writeUInt16LE(name.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\0'), fields, place, Buffer.from(name))
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), fields, Buffer.from(name), ...packed])
    locals.push(local)
    offset += local.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, listed, end])
}
