import type { Readable } from 'node:stream'
import { isProblem, Problem } from '../../errors.ts'
import type { HeadWithBytes, ThumbnailKey } from '../../metadata/thumbnails.ts'
import { checkContent } from '../content-type.ts'
import { checkSource, conversionKey } from '../conversions.ts'
import type { Deps } from '../deps.ts'
import { formatOf } from '../formats.ts'
import type { BlobRef, DocServer } from '../ports.ts'

/** What is larger takes too long for a picture. */
const MOST_SOURCE_BYTES = 64 * 1024 ** 2
const MOST_PICTURE_BYTES = 4 * 1024 ** 2
const TIME_LIMIT_S = 28
/** A page of A4 of the width fits. */
const HEIGHT_OF_WIDTH = Math.SQRT2

export type DrawDeps = Pick<
  Deps,
  'blobs' | 'docServer' | 'isDocServerHealthy' | 'keyPrefix' | 'log' | 'converter' | 'contentAddress'
>

/** Whether anything here draws files of this type and size. */
export function canBeDrawn(
  { docServer, converter }: Pick<Deps, 'docServer' | 'converter'>,
  { file_type: type, size }: { file_type: string; size: number },
): boolean {
  if (size > MOST_SOURCE_BYTES) return false
  return (docServer !== undefined && isDrawnByServer(type)) || isDrawnByOffice(converter, type)
}

/**
 * Draws the first page of a version as PNG and stores it: by Document Server, else by LibreOffice.
 *
 * @throws Problem as `convert` of the conversions
 */
export async function drawFirstPage(deps: DrawDeps, key: ThumbnailKey, of: HeadWithBytes): Promise<BlobRef> {
  const { docServer, isDocServerHealthy, converter, log } = deps
  const isByOffice = isDrawnByOffice(converter, key.file_type)
  if (docServer !== undefined && isDrawnByServer(key.file_type)) {
    try {
      if (!(await isDocServerHealthy())) {
        throw new Problem('document-server-failed', 'Document Server is not healthy')
      }
      return await drawByServer(deps, docServer, key, of)
    } catch (error) {
      const codes = ['document-server-failed', 'download-failed', 'download-refused', 'conversion-impossible']
      if (!isByOffice || !isProblem(error) || !codes.includes(error.code)) throw error
      log.warn({ err: error }, 'Document Server did not draw the first page, LibreOffice does')
    }
  }
  if (!isByOffice) throw new Problem('conversion-unavailable')
  return drawByOffice(deps, key)
}

async function drawByServer(
  { blobs, keyPrefix, contentAddress }: DrawDeps,
  docServer: DocServer,
  { source_sha256, file_type: from, width }: ThumbnailKey,
  { id, document_id, title }: HeadWithBytes,
): Promise<BlobRef> {
  const { url } = await docServer.convert({
    // Never that of a whole conversion to PNG.
    key: conversionKey(keyPrefix, `${source_sha256} ${from} png ${width}`),
    url: contentAddress(document_id, id),
    from,
    to: 'png',
    title: `${title}.png`,
    timeLimitS: TIME_LIMIT_S,
    thumbnail: { width, height: Math.round(width * HEIGHT_OF_WIDTH) },
  })
  const { bytes } = await docServer.download(url, { maxBytes: MOST_PICTURE_BYTES })
  return keepPicture(blobs, bytes)
}

async function drawByOffice(
  { blobs, converter }: Pick<Deps, 'blobs' | 'converter'>,
  { source_sha256, file_type: from, width }: ThumbnailKey,
): Promise<BlobRef> {
  await checkSource({ blobs }, source_sha256, from)
  const order = { from, to: 'png', width, open: () => blobs.get(source_sha256) }
  return converter.convert(order, (bytes) => keepPicture(blobs, bytes))
}

async function keepPicture(blobs: Deps['blobs'], bytes: Readable): Promise<BlobRef> {
  try {
    return await blobs.put(bytes, {
      maxBytes: MOST_PICTURE_BYTES,
      inspect: (picture) => checkContent(picture, 'png', 'exact'),
    })
  } catch (cause) {
    if (!isProblem(cause, 'content-mismatch', 'upload-too-large')) throw cause
    throw new Problem('conversion-failed', `the picture of the first page: ${cause.message}`, { cause })
  }
}

function isDrawnByServer(type: string): boolean {
  return formatOf(type)?.conversions.has('png') === true
}

/** It reads PDF only as a drawing: enough for a picture. */
function isDrawnByOffice({ isInstalled, pairs }: Deps['converter'], type: string): boolean {
  return isInstalled && (pairs.has(type) || type === 'pdf')
}
