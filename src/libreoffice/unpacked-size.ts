import { openPromise } from 'yauzl'
import { Problem } from '../errors.ts'

/** More than LibreOffice reads in its time. */
const MOST_XML_BYTES = 512 * 1024 ** 2
const MOST_ENTRIES = 100_000

/**
 * Refuses a zip whose XML unpacks to more than LibreOffice can read: out of memory, it keeps what it has read
 * so far and calls that a success. Only the directory is looked at. What is no zip passes.
 *
 * @throws Problem `conversion-failed`
 */
export async function checkUnpackedSize(path: string): Promise<void> {
  // Whether a broken one can be read all the same is for LibreOffice to say.
  const xmlBytes = await announcedXmlBytes(path).catch(() => 0)
  if (xmlBytes <= MOST_XML_BYTES) return
  throw new Problem('conversion-failed', 'LibreOffice could not read the file: unpacked, it is too large')
}

async function announcedXmlBytes(path: string): Promise<number> {
  const zip = await openPromise(path, { autoClose: false, decodeStrings: false, validateEntrySizes: false })
  try {
    let count = 0
    let bytes = 0
    for await (const { fileNameRaw, uncompressedSize } of zip.eachEntry()) {
      if (fileNameRaw.toString('latin1').toLowerCase().endsWith('.xml')) bytes += uncompressedSize
      count += 1
      if (bytes > MOST_XML_BYTES || count >= MOST_ENTRIES) break
    }
    return bytes
  } finally {
    zip.close()
  }
}
