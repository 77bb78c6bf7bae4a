import { createHash } from 'node:crypto'
import type { Deps } from '../../src/core/deps.ts'

/** A form that was handed in, with a file that is stored already. @returns its id */
export async function insertSubmission(
  { database }: Pick<Deps, 'database'>,
  documentId: string,
  file: Buffer,
): Promise<string> {
  const id = crypto.randomUUID()
  await database
    .insertInto('submissions')
    .values({
      id,
      document_id: documentId,
      save_id: id,
      user_id: 'ann',
      user_name: 'Ann',
      sha256: createHash('sha256').update(file).digest('hex'),
      size: file.length,
      file_type: 'docx',
      data_sha256: null,
      created_at: '2026-11-21T08:00:00.000Z',
    })
    .execute()
  return id
}
