import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Problem } from '../errors.ts'
import type { DocumentRow, VersionRow } from '../metadata/schema.ts'
import { keep } from './conversions.ts'
import type { Deps } from './deps.ts'
import { formatOf, nutoTypeOf } from './formats.ts'
import type { BlobRef } from './ports.ts'

/** Bytes of UTF-8. */
export const MAX_JSON_CONTENT_BYTES = 10 * 1024 ** 2

export type JsonDeps = Pick<Deps, 'database' | 'blobs' | 'config' | 'converter' | 'makeFile'>

/**
 * Stores editor JSON, and the file that is made from it where its shape is known; otherwise the
 * file stays that of the head.
 *
 * @throws Problem `json-content-invalid`, `conversion-unavailable`, `conversion-failed`, `storage-unavailable`
 */
export async function storeJson(
  deps: JsonDeps,
  {
    json,
    document: { file_type: extension, title },
    head,
  }: { json: string; document: Pick<DocumentRow, 'file_type' | 'title'>; head: VersionRow },
): Promise<{ blob: BlobRef; jsonSha256: string }> {
  const format = formatOf(extension)
  const type = format === undefined ? 'Docs' : nutoTypeOf(format)
  const made = await deps.makeFile(json, { type, extension, title })
  const blob =
    made === undefined ? { sha256: head.sha256, size: head.size } : await storeMade(deps, made, extension)
  // As a JSON string it is kept to the character: plain UTF-8 has no lone surrogates.
  const kept = Buffer.from(JSON.stringify(json))
  const { sha256: jsonSha256 } = await deps.blobs.put(Readable.from([kept]), { maxBytes: kept.length })
  return { blob, jsonSha256 }
}

/** What we do not write ourselves is converted; Document Server cannot, it fetches versions only. */
async function storeMade(
  { blobs, config, converter }: JsonDeps,
  made: { extension: string; bytes: Buffer },
  extension: string,
): Promise<BlobRef> {
  const open = async () => Readable.from([made.bytes])
  if (made.extension === extension) return blobs.put(await open(), { maxBytes: config.MAX_FILE_BYTES })
  if (!converter.isInstalled || converter.pairs.get(made.extension)?.has(extension) !== true) {
    throw new Problem(
      'conversion-unavailable',
      `JSON content for ${extension} needs LibreOffice (the packages libreoffice-writer, -calc and -impress)`,
    )
  }
  return converter.convert({ from: made.extension, to: extension, open }, (bytes) =>
    keep({ blobs, config }, bytes, extension),
  )
}

/** Null when the version was not given as JSON. */
export async function jsonContentOf(
  { blobs }: Pick<Deps, 'blobs'>,
  { json_sha256 }: Pick<VersionRow, 'json_sha256'>,
): Promise<string | null> {
  if (json_sha256 === null) return null
  return JSON.parse((await buffer(await blobs.get(json_sha256))).toString())
}
