import { createHash } from 'node:crypto'
import type { Deps } from '../../src/core/deps.ts'

/** As if a picture had been made of these bytes; it has the bytes themselves, which are stored already. */
export async function insertThumbnail(
  { database, clock }: Deps,
  bytes: Buffer,
  fileType: string,
): Promise<void> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await database
    .insertInto('thumbnails')
    .values({
      source_sha256: sha256,
      file_type: fileType,
      width: 320,
      sha256,
      size: bytes.length,
      error: null,
      attempts: 1,
      next_attempt_at: null,
      updated_at: clock().toISOString(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
