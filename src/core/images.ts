import type { Readable } from 'node:stream'
import { Problem } from '../errors.ts'
import { keepAttachment } from '../metadata/attachments.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import { detectContent } from './content-type.ts'
import type { Deps } from './deps.ts'
import { afterSeconds } from './sessions.ts'
import { FILE_TOKEN_S } from './tokens.ts'

/** Document Server takes 25 MiB. */
export const MAX_IMAGE_BYTES = 20 * 1024 ** 2

/**
 * What it is on the bytes, and what the editor calls it. An animated PNG is a PNG to a reader that
 * knows no more. Source: ONLYOFFICE Docs API, Methods, insertImage.
 */
const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ['png', 'png'],
  ['apng', 'png'],
  ['jpg', 'jpg'],
  ['gif', 'gif'],
  ['bmp', 'bmp'],
  ['tif', 'tiff'],
])

/**
 * Keeps an image for the editor of a document, as long as a token to its file lives. The bytes
 * decide what it is, no name does.
 *
 * @throws Problem `image-unsupported`, `upload-too-large`, `storage-unavailable`
 */
export async function keepImage(
  { blobs, database, clock }: Pick<Deps, 'blobs' | 'database' | 'clock'>,
  { id: documentId }: DocumentRow,
  bytes: Readable,
): Promise<{ sha256: string; extension: string }> {
  let extension = ''
  const { sha256 } = await blobs.put(bytes, {
    maxBytes: MAX_IMAGE_BYTES,
    inspect: async (staged) => {
      const { what, extensions } = await detectContent(staged)
      const known = EXTENSIONS.get(extensions[0] ?? '')
      if (known === undefined) throw new Problem('image-unsupported', `The file is ${what}`)
      extension = known
    },
  })
  await keepAttachment(database, { sha256, documentId, expiresAt: afterSeconds(clock(), FILE_TOKEN_S) })
  return { sha256, extension }
}
