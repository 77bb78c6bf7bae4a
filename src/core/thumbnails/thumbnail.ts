import type { DocumentRow } from '../../metadata/schema.ts'
import { findThumbnail, wantThumbnail } from '../../metadata/thumbnails.ts'
import { isThere } from '../conversions.ts'
import type { Deps } from '../deps.ts'
import type { BlobRef } from '../ports.ts'
import { headVersion } from '../versions.ts'
import { canBeDrawn } from './draw.ts'

/** Pixels. */
export const THUMBNAIL_WIDTH = 320
/** Those that have their turn later ask again. */
const MOST_WAITING = 1000
const FAILED_FOR_MS = 24 * 3600_000

/** `awaited`: it is being made, or waits for its turn; `none`: there will be none soon. */
export type Thumbnail =
  | { state: 'made'; blob: BlobRef }
  | { state: 'awaited' }
  | { state: 'none'; why: 'cannot-be-drawn' | 'failed' | 'too-many' }

/** The picture of a document's first page. Where there is none yet, one is made in the background. */
export async function thumbnailOf(
  deps: Pick<Deps, 'database' | 'blobs' | 'clock' | 'docServer' | 'converter'>,
  document: DocumentRow,
): Promise<Thumbnail> {
  const { database, blobs, clock } = deps
  const now = clock()
  const head = await headVersion(deps, document)
  const key = { source_sha256: head.sha256, file_type: head.file_type, width: THUMBNAIL_WIDTH }
  const known = await findThumbnail(database, key)
  if (known?.next_attempt_at) return { state: 'awaited' }
  if (known?.sha256 && known.size !== null) {
    const blob = { sha256: known.sha256, size: known.size }
    // Whatever became of its bytes: it is made anew.
    if (await isThere({ blobs }, blob)) return { state: 'made', blob }
  } else if (known !== undefined && now.getTime() - Date.parse(known.updated_at) < FAILED_FOR_MS) {
    return { state: 'none', why: 'failed' }
  }
  if (!canBeDrawn(deps, head)) return { state: 'none', why: 'cannot-be-drawn' }
  const isAwaited = await wantThumbnail(database, key, { now: now.toISOString(), most: MOST_WAITING })
  return isAwaited ? { state: 'awaited' } : { state: 'none', why: 'too-many' }
}
