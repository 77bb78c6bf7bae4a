import { type Kysely, sql } from 'kysely'

/** What waits for somebody's decision is few among many, and asked for every few seconds. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createIndex('versions_undecided')
    .on('versions')
    .column('updated_at')
    .where(sql.ref('kind'), 'in', sql`('conflict', 'recovery')`)
    .where(sql.ref('label'), 'is', null)
    .execute()
}
