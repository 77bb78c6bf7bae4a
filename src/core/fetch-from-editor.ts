import { isProblem, Problem } from '../errors.ts'
import { checkContent } from './content-type.ts'
import type { Deps } from './deps.ts'
import { canOpen, type Format, formatOf, isPlainText } from './formats.ts'
import type { BlobRef } from './ports.ts'

/** Over all: somebody waits for it. */
const TIME_LIMIT_MS = 120_000

/** A file that the editor offers at Document Server, as a browser tells it. */
export type OfferedFile = {
  url: string
  /** Lower case. */
  fileType: string
  /** `exact` for a new document, `family` for one that goes on. */
  strictness: 'exact' | 'family'
}

/** @throws Problem `extension-not-storable` for what is no document */
export function storableFormat(fileType: string): Format {
  const format = formatOf(fileType)
  if (format !== undefined && canOpen(format)) return format
  throw new Problem('extension-not-storable', `.${fileType} files cannot be opened in the editor`)
}

/**
 * Brings home what a browser says that Document Server has made. Nobody vouches for the address:
 * only Document Server's own origins are asked, once, within a limit of bytes and time.
 *
 * @throws Problem `extension-not-storable`, `document-server-missing`, `address-refused` (foreign, refused there,
 *   too large), `content-mismatch`, `upload-empty`, `download-failed`, `storage-unavailable`
 */
export async function fetchFromEditor(
  { blobs, config, docServer }: Pick<Deps, 'blobs' | 'config' | 'docServer'>,
  { url, fileType, strictness }: OfferedFile,
): Promise<BlobRef> {
  storableFormat(fileType)
  if (docServer === undefined) throw new Problem('document-server-missing')
  const maxBytes = config.MAX_FILE_BYTES
  try {
    const { bytes } = await docServer.download(url, { maxBytes, signal: AbortSignal.timeout(TIME_LIMIT_MS) })
    return await blobs.put(bytes, {
      maxBytes,
      inspect: async (staged) => {
        if (staged.size === 0 && !isPlainText(fileType)) throw new Problem('upload-empty')
        await checkContent(staged, fileType, strictness)
      },
    })
  } catch (error) {
    // To Document Server this would be a passing fault of ours; here it is the caller's.
    if (isProblem(error, 'download-refused', 'upload-too-large'))
      throw new Problem('address-refused', error.message, { cause: error })
    throw error
  }
}
