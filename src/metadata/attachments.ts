import type { Database } from './schema.ts'

/** Given again, it is kept longer. */
export async function keepAttachment(
  db: Database,
  { sha256, documentId, expiresAt }: { sha256: string; documentId: string; expiresAt: string },
): Promise<void> {
  await db
    .insertInto('attachments')
    .values({ sha256, document_id: documentId, expires_at: expiresAt })
    .onConflict((conflict) =>
      conflict.columns(['sha256', 'document_id']).doUpdateSet({ expires_at: expiresAt }),
    )
    .execute()
}

export async function hasAttachment(
  db: Database,
  { sha256, documentId }: { sha256: string; documentId: string },
): Promise<boolean> {
  const row = await db
    .selectFrom('attachments')
    .select('sha256')
    .where('sha256', '=', sha256)
    .where('document_id', '=', documentId)
    .executeTakeFirst()
  return row !== undefined
}

export async function pruneAttachments(db: Database, before: string): Promise<void> {
  await db.deleteFrom('attachments').where('expires_at', '<', before).execute()
}
