import { type Kysely, sql } from 'kysely'

/** A page of a workspace's trash is read along an index, and what is erased is found by one, however much there is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createIndex('documents_by_deletion')
    .on('documents')
    .columns(['workspace_id', 'deleted_at', 'id'])
    .where(sql.ref('deleted_at'), 'is not', null)
    .execute()
  await db.schema.createIndex('sessions_of_document').on('sessions').column('document_id').execute()
  await db.schema.createIndex('sessions_of_base').on('sessions').column('base_version_id').execute()
  await db.schema.createIndex('saves_of_document').on('saves').column('document_id').execute()
}
