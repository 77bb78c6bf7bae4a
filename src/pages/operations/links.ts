import type { Deps } from '../../core/deps.ts'
import { listRemoteFiles } from '../../core/remote/files.ts'
import { namesOfDocuments } from '../../metadata/document-names.ts'
import type { RemoteState } from '../../metadata/schema.ts'

const MOST_SHOWN = 100
const IN_TROUBLE: RemoteState[] = ['failed', 'conflict', 'waiting']

/** What each state means. */
const MEANINGS: Record<RemoteState, string> = {
  failed: 'Given up: the other side did not take our newer content. It is kept here.',
  conflict: 'Both sides had changed: theirs stayed, ours became a document of its own.',
  waiting: 'Ours is newer and is delivered by itself.',
  current: 'Both sides hold the same.',
}

/** Linked files that are not the same on both sides. */
export async function linksPart(deps: Pick<Deps, 'database'>) {
  const byState = await Promise.all(
    IN_TROUBLE.map((state) =>
      listRemoteFiles(deps, { kind: 'administrator' }, { state, skip: 0, take: MOST_SHOWN }),
    ),
  )
  const rows = byState.flat()
  const ids = rows.flatMap((row) => [row.document_id, row.conflict_document_id ?? []].flat())
  const names = await namesOfDocuments(deps.database, ids)
  return {
    links: rows.map((row) => ({
      documentId: row.document_id,
      name: names.get(row.document_id) ?? row.name_key,
      state: row.state,
      meaning: MEANINGS[row.state],
      attempts: row.attempts,
      lastError: row.last_error,
      nextAttemptAt: row.next_attempt_at,
      updatedAt: row.updated_at,
      conflictDocumentId: row.conflict_document_id,
      conflictName: names.get(row.conflict_document_id ?? ''),
    })),
  }
}
