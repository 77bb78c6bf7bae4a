import type { Database, DocumentRow, Tx } from './schema.ts'
import { dropTitle } from './search.ts'

/** Edits of the document may still be on their way: somebody has it open, or a save of it has failed. */
export async function isAnythingAtRisk(tx: Tx, documentId: string): Promise<boolean> {
  const open = await tx
    .selectFrom('sessions')
    .select('key')
    .where('document_id', '=', documentId)
    .where('next_forcesave_at', 'is not', null)
    .executeTakeFirst()
  if (open !== undefined) return true
  const save = await tx
    .selectFrom('saves')
    .select('id')
    .where('document_id', '=', documentId)
    .where('state', 'in', ['receiving', 'failed'])
    .executeTakeFirst()
  return save !== undefined
}

const TABLES_OF_DOCUMENT = [
  'saves',
  'presence',
  'document_metadata',
  'attachments',
  'links',
  'favorites',
  'submissions',
  'fillings',
  'remote_files',
  'updates',
  'quarantined_updates',
  'shared_states',
  'room_members',
  'sessions',
  'versions',
] as const

/** Takes a document with all its rows away; its blobs are swept later. */
export async function eraseDocument(tx: Tx, document: DocumentRow): Promise<void> {
  await tx
    .deleteFrom('admissions')
    .where('session_key', 'in', (sessions) =>
      sessions.selectFrom('sessions').select('key').where('document_id', '=', document.id),
    )
    .execute()
  // Saves refer to sessions, sessions to versions, updates to shared states, all to the document.
  for (const table of TABLES_OF_DOCUMENT) {
    await tx.deleteFrom(table).where('document_id', '=', document.id).execute()
  }
  await dropTitle(tx, document)
  await tx.deleteFrom('documents').where('id', '=', document.id).execute()
}

/** @returns how many versions are without bytes from now on */
export async function giveUpVersions(
  db: Database,
  {
    newest,
    before,
    sessionsSince,
    now,
    most,
  }: {
    /** So many of a document's latest numbers stay. */
    newest: number
    before: string
    /** Sessions opened since, and those that no new head has superseded, keep what they rest on. */
    sessionsSince: string
    now: string
    most: number
  },
): Promise<number> {
  const { numUpdatedRows } = await db.transaction().execute((tx) =>
    tx
      .updateTable('versions')
      .set({ deleted_at: now })
      .where('id', 'in', (old) =>
        old
          .selectFrom('versions as version')
          .innerJoin('documents as document', 'document.id', 'version.document_id')
          .select('version.id')
          .where('version.deleted_at', 'is', null)
          .where('version.label', 'is', null)
          .where('version.kind', 'not in', ['conflict', 'recovery', 'draft'])
          .where('version.updated_at', '<', before)
          .whereRef('version.id', '<>', 'document.head_version_id')
          .where((row) => row('version.number', '<=', row('document.last_version_number', '-', newest)))
          .where(({ not, exists, selectFrom }) =>
            not(
              exists(
                selectFrom('sessions as session')
                  .select('session.key')
                  .whereRef('session.document_id', '=', 'version.document_id')
                  .where((row) =>
                    row.or([
                      row('session.base_version_id', '=', row.ref('version.id')),
                      row('session.content_version_id', '=', row.ref('version.id')),
                    ]),
                  )
                  .where((row) =>
                    row.or([
                      row('session.superseded_at', 'is', null),
                      row('session.opened_at', '>=', sessionsSince),
                    ]),
                  ),
              ),
            ),
          )
          .limit(most),
      )
      .executeTakeFirst(),
  )
  return Number(numUpdatedRows)
}
