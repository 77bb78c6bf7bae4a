import { findRemoteFile, updateRemoteFile } from '../../metadata/remote-files.ts'
import type { DocumentRow, RemoteFileRow } from '../../metadata/schema.ts'
import { versionById } from '../../metadata/versions.ts'
import { authorOf, type Caller } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { replaceHead } from '../new-head.ts'
import type { BlobRef } from '../ports.ts'
import { lookAtRemote, type ReadDeps } from './content.ts'
import { isEdited } from './outcome.ts'

type RefreshDeps = ReadDeps &
  Pick<Deps, 'database' | 'docServer' | 'events' | 'keyPrefix' | 'log' | 'addressSeal'>

/** Something of ours has come up meanwhile, so theirs is dealt with when that is delivered. */
class NotNow extends Error {}

/**
 * Gives a document the bytes that lie where it is kept, if those have changed. Not while somebody edits
 * it, nor while edits are to be delivered: the delivery finds the change and settles both.
 *
 * @param etag what the owner says now; the one we know means that nothing has changed
 * @throws Problem as `fetchRemote`
 */
export async function bringUpToDate(
  deps: RefreshDeps,
  client: Caller,
  { row, document, etag }: { row: RemoteFileRow; document: DocumentRow; etag: string | undefined },
): Promise<void> {
  if (etag !== undefined && etag === row.etag) return
  const theirs = await lookAtRemote(deps, row)
  if (theirs.kind === 'other') {
    await takeTheirs(deps, client, { row, document, theirs: { ...theirs, etag: theirs.etag ?? etag } })
  } else if (theirs.blob.sha256 === row.sha256 && row.etag === null && (theirs.etag ?? etag) !== undefined) {
    await updateRemoteFile(deps.database, row.document_id, { etag: theirs.etag ?? etag ?? null })
  }
}

async function takeTheirs(
  deps: RefreshDeps,
  client: Caller,
  {
    row,
    document,
    theirs,
  }: { row: RemoteFileRow; document: DocumentRow; theirs: { blob: BlobRef; etag: string | undefined } },
): Promise<void> {
  if (await isEdited(deps.database, document)) return
  try {
    await replaceHead(deps, document, {
      kind: 'upload',
      blob: theirs.blob,
      fileType: row.file_type,
      author: authorOf(client),
      description: 'Changed where it is kept',
      activity: { action: 'content-replaced', detail: { by: 'remote-file', fileKey: row.name_key } },
      also: async (tx, current) => {
        const latest = await findRemoteFile(tx, document.id)
        const head = await versionById(tx, current.head_version_id)
        const isDelivered = latest?.sha256 === head.sha256 || latest?.write_url === null
        const isUnderWay = latest === undefined || latest.claimed_until !== null
        if (!isDelivered || isUnderWay || (await isEdited(tx, document))) throw new NotNow()
        await updateRemoteFile(tx, document.id, {
          sha256: theirs.blob.sha256,
          etag: theirs.etag ?? null,
          state: 'current',
          updated_at: deps.clock().toISOString(),
        })
      },
    })
  } catch (error) {
    if (!(error instanceof NotNow)) throw error
  }
}
