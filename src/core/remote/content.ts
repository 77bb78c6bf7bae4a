import { randomUUIDv7 } from 'node:crypto'
import { z } from 'zod'
import type { RemoteFileRow } from '../../metadata/schema.ts'
import type { Deps } from '../deps.ts'
import { putUpload } from '../new-document.ts'
import type { BlobRef } from '../ports.ts'
import { fileHeaders, NO_BODY_SHA256 } from './signature.ts'

export type ReadDeps = Pick<Deps, 'remoteFiles' | 'blobs' | 'config' | 'clock' | 'webhookSecret'>

const Unanswered = z.array(z.object({ id: z.string(), type: z.string(), sha256: z.string() }))
export type Sending = z.output<typeof Unanswered>[number]

/** What was sent since the other side was last known, and may have arrived. */
export function unansweredOf({ unanswered }: RemoteFileRow): Sending[] {
  return Unanswered.parse(JSON.parse(unanswered))
}

/**
 * Brings the bytes of a file here. They are durable then, and what the extension says.
 *
 * @param etag of the bytes that are known: then `unchanged` may be the answer
 * @throws Problem `remote-origin-refused`, `remote-file-unreadable`, and all of `putUpload`
 */
export async function fetchRemote(
  deps: ReadDeps,
  {
    apiKeyId,
    url,
    fileType,
    etag,
    signal,
  }: {
    apiKeyId: string
    url: string
    fileType: string
    etag?: string | undefined
    signal?: AbortSignal | undefined
  },
): Promise<'unchanged' | { blob: BlobRef; etag: string | undefined }> {
  const content = await deps.remoteFiles.read({
    url,
    headers: fileHeaders(deps, { apiKeyId, id: randomUUIDv7(), signed: NO_BODY_SHA256 }),
    etag,
    ...(signal === undefined ? {} : { signal }),
  })
  if (content === 'unchanged') return content
  return { blob: await putUpload(deps, content.bytes, fileType), etag: content.etag }
}

/**
 * What lies on the other side: `known` is what we saw or delivered last, also when it is something that we sent
 * without getting an answer.
 */
export type TheirSide = {
  kind: 'known' | 'other'
  blob: Pick<BlobRef, 'sha256'>
  etag: string | undefined
} & ({ kind: 'known' } | { kind: 'other'; blob: BlobRef })

/** Bytes tell, an ETag only saves fetching them. @throws Problem as `fetchRemote` */
export async function lookAtRemote(
  deps: ReadDeps & Pick<Deps, 'addressSeal'>,
  row: RemoteFileRow,
  { trustsETag = true, signal }: { trustsETag?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<TheirSide> {
  const etag = trustsETag ? (row.etag ?? undefined) : undefined
  const { api_key_id: apiKeyId, file_type: fileType, sha256 } = row
  const url = deps.addressSeal.open(row.read_url)
  const found = await fetchRemote(deps, { apiKeyId, url, fileType, etag, signal })
  if (found === 'unchanged') return { kind: 'known', blob: { sha256 }, etag }
  if (found.blob.sha256 === sha256)
    return { kind: 'known', blob: found.blob, etag: found.etag ?? row.etag ?? undefined }
  const isOurs = unansweredOf(row).some(
    (sent) => sent.type !== 'file.conflict' && sent.sha256 === found.blob.sha256,
  )
  return { kind: isOurs ? 'known' : 'other', ...found }
}
