import { newKey } from '../../src/core/keys.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import { insertDocument } from '../../src/metadata/documents.ts'
import { keyPrefix } from '../../src/metadata/installation.ts'
import { DEFAULT_WORKSPACE_ID } from '../../src/metadata/schema.ts'
import { insertSessionIfNone } from '../../src/metadata/sessions.ts'
import { insertVersion } from '../../src/metadata/versions.ts'

/** Rows of documents that somebody edits, none of them due yet, in the database of a stopped service. */
export async function seedOpenDocuments(path: string, count: number): Promise<void> {
  const database = await openDatabase(`sqlite:${path}`)
  try {
    const prefix = await keyPrefix(database)
    const now = new Date().toISOString()
    await database.transaction().execute(async (tx) => {
      for (let number = 0; number < count; number++) {
        const [documentId, versionId, key] = [`document-${number}`, `version-${number}`, newKey(prefix)]
        await insertDocument(tx, {
          id: documentId,
          workspace_id: DEFAULT_WORKSPACE_ID,
          title: `Report ${number}`,
          folded_title: `report ${number}`,
          folder: '/',
          external_id: null,
          metadata: '{}',
          deleted_at: null,
          file_type: 'docx',
          head_version_id: versionId,
          last_version_number: 1,
          size: 10_000,
          created_by: 'ann',
          created_at: now,
          updated_at: now,
        })
        await insertVersion(tx, {
          id: versionId,
          document_id: documentId,
          number: 1,
          kind: 'upload',
          key,
          sha256: '0'.repeat(64),
          size: 10_000,
          file_type: 'docx',
          author_id: 'ann',
          author_name: 'Ann',
          created_at: now,
          updated_at: now,
        })
        await insertSessionIfNone(tx, {
          key,
          document_id: documentId,
          base_version_id: versionId,
          editors: '["ann"]',
          opened_at: now,
          last_callback_at: now,
        })
      }
    })
  } finally {
    await database.destroy()
  }
}

/** Makes every session due at once, as another node would see to it: in the database of the running service. */
export async function makeAllDue(path: string): Promise<void> {
  const database = await openDatabase(`sqlite:${path}`)
  try {
    await database.updateTable('sessions').set({ next_forcesave_at: new Date().toISOString() }).execute()
  } finally {
    await database.destroy()
  }
}
