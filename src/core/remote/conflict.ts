import { randomUUIDv7 } from 'node:crypto'
import { findRemoteFile, updateClaimed } from '../../metadata/remote-files.ts'
import type { DocumentRow, RemoteFileRow } from '../../metadata/schema.ts'
import { versionById } from '../../metadata/versions.ts'
import { authorOf, type Caller } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { addDocumentIn } from '../new-document.ts'
import { replaceHead } from '../new-head.ts'
import type { BlobRef } from '../ports.ts'

/** Another process has taken the delivery over, so this one changes nothing. */
export class ClaimLost extends Error {}

/**
 * Both sides have changed: ours becomes a document of its own beside the linked one, whose head is
 * theirs from now on. What is still typed at this moment is saved first and is in the copy.
 *
 * @throws ClaimLost
 */
export async function settleConflict(
  deps: Pick<Deps, 'database' | 'clock' | 'docServer' | 'events' | 'keyPrefix' | 'log'>,
  client: Caller,
  row: RemoteFileRow,
  document: DocumentRow,
  theirs: { blob: BlobRef; etag: string | undefined },
): Promise<void> {
  const copyId = randomUUIDv7()
  await replaceHead(deps, document, {
    kind: 'upload',
    blob: theirs.blob,
    fileType: row.file_type,
    author: authorOf(client),
    description: 'Changed where it is kept, while it was edited here',
    activity: { action: 'conflict', detail: { conflictDocumentId: copyId, fileKey: row.name_key } },
    also: async (tx, current) => {
      const now = deps.clock().toISOString()
      const ours = await versionById(tx, current.head_version_id)
      const author = { id: ours.author_id, name: ours.author_name }
      await addDocumentIn(
        tx,
        deps,
        { ...client, actsFor: author },
        {
          title: `${current.title} (conflict ${now.slice(0, 16).replace('T', ' ').replace(':', '.')})`,
          fileType: ours.file_type,
          blob: { sha256: ours.sha256, size: ours.size },
          jsonSha256: ours.json_sha256,
          kind: 'created',
          action: 'copied',
          workspaceId: current.workspace_id,
          description: `Edited here while “${current.title}” was changed where it is kept`,
          place: { id: copyId, folder: current.folder },
        },
      )
      const isEnding = (await findRemoteFile(tx, document.id))?.ended_at !== null
      const isOurs = await updateClaimed(tx, row, {
        sha256: theirs.blob.sha256,
        etag: theirs.etag ?? null,
        unanswered: '[]',
        state: 'conflict',
        attempts: 0,
        last_error: null,
        waiting_since: null,
        next_attempt_at: isEnding ? now : null,
        claimed_until: null,
        conflict_document_id: copyId,
        updated_at: now,
      })
      if (!isOurs) throw new ClaimLost()
    },
  })
}
