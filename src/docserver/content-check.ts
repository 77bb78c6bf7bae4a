import { LRUCache } from 'lru-cache'
import { checkContent } from '../core/content-type.ts'
import { canOpen, type Format, formatOf } from '../core/formats.ts'
import type { BlobStore } from '../core/ports.ts'
import { Problem } from '../errors.ts'
import type { VersionRow } from '../metadata/schema.ts'

const REMEMBERED = 50_000

/**
 * Looks at a version's real bytes before the editor opens them, whatever stored them. A blob never
 * changes, so one good look is remembered.
 */
export function createContentCheck(blobs: BlobStore) {
  const checked = new LRUCache<string, true>({ max: REMEMBERED })

  /** @throws Problem `extension-unsupported`, `content-mismatch`, `blob-missing` */
  return async function openableFormat(version: VersionRow): Promise<Format> {
    const format = formatOf(version.file_type)
    if (format === undefined || !canOpen(format)) {
      throw new Problem('extension-unsupported', `.${version.file_type} files cannot be opened in the editor`)
    }
    // What Document Server saved passed by family, and so do its copies.
    const strictness = version.kind === 'upload' || version.kind === 'created' ? 'exact' : 'family'
    const name = `${version.sha256}.${version.file_type} ${strictness}`
    if (!checked.has(name)) {
      await using bytes = await blobs.open(version.sha256)
      await checkContent(bytes, version.file_type, strictness)
      checked.set(name, true)
    }
    return format
  }
}

export type ContentCheck = ReturnType<typeof createContentCheck>
