import { sql } from 'kysely'
import type { Database } from '../metadata/schema.ts'

/** Newest rows of each table that are looked up: work that came after a copy is among them. */
const NEWEST = 1000

/**
 * Whether an earlier copy of an installation has something that the installation does not have. What
 * was deleted here since the copy was made is not meant.
 *
 * @returns what it is, in words; undefined: the copy is no newer
 */
export async function newerThere(source: Database, target: Database): Promise<string | undefined> {
  if (await hasOtherActivity(source, target)) return 'activity'
  if (await hasOtherKeys(source, target)) return 'API keys'
  if (await hasNewerDocuments(source, target)) return 'documents'
  if (await hasOtherSessions(source, target)) return 'editing sessions'
  if (await hasLaterUpdates(source, target)) return 'shared editing'
  return undefined
}

/** What was done, in the order of time; the oldest goes by age. */
async function hasOtherActivity(source: Database, target: Database): Promise<boolean> {
  const there = await target.selectFrom('activity').select('id').orderBy('id', 'desc').limit(NEWEST).execute()
  if (there.length === 0) return false
  const oldest = await source.selectFrom('activity').select('id').orderBy('id').limit(1).executeTakeFirst()
  const ids = there.map(({ id }) => id)
  const here = await source.selectFrom('activity').select('id').where('id', 'in', ids).execute()
  const known = new Set(here.map(({ id }) => id))
  return ids.some((id) => !known.has(id) && (oldest === undefined || id >= oldest.id))
}

/** They are revoked, but never deleted. */
async function hasOtherKeys(source: Database, target: Database): Promise<boolean> {
  const ids = async (db: Database) =>
    (await db.selectFrom('api_keys').select('id').execute()).map(({ id }) => id)
  return !new Set(await ids(target)).isSubsetOf(new Set(await ids(source)))
}

async function hasNewerDocuments(source: Database, target: Database): Promise<boolean> {
  const there = await target
    .selectFrom('documents')
    .select(['id', 'updated_at'])
    .orderBy('updated_at', 'desc')
    .limit(NEWEST)
    .execute()
  if (there.length === 0) return false
  const ids = there.map(({ id }) => id)
  const here = await source
    .selectFrom('documents')
    .select(['id', 'updated_at'])
    .where('id', 'in', ids)
    .execute()
  const updatedAt = new Map(here.map(({ id, updated_at }) => [id, updated_at]))
  return there.some(({ id, updated_at }) => updated_at > (updatedAt.get(id) ?? updated_at))
}

/** Saves go by age, but the session of each stays as long as its document. */
async function hasOtherSessions(source: Database, target: Database): Promise<boolean> {
  const there = await target
    .selectFrom('sessions')
    .select(['key', 'document_id', 'last_callback_at as at'])
    .orderBy((row) => row.fn.coalesce('last_callback_at', 'opened_at'), 'desc')
    .limit(NEWEST)
    .execute()
  if (there.length === 0) return false
  const keys = there.map(({ key }) => key)
  const here = await source
    .selectFrom('sessions')
    .select(['key', 'last_callback_at as at'])
    .where('key', 'in', keys)
    .execute()
  const known = new Map(here.map(({ key, at }) => [key, at ?? '']))
  if (there.some(({ key, at }) => (at ?? '') > (known.get(key) ?? at ?? ''))) return true
  const others = there.filter(({ key }) => !known.has(key)).map(({ document_id }) => document_id)
  if (others.length === 0) return false
  const kept = await source.selectFrom('documents').select('id').where('id', 'in', others).limit(1).execute()
  return kept.length > 0
}

async function hasLaterUpdates(source: Database, target: Database): Promise<boolean> {
  let after = { document_id: '', epoch: 0 }
  for (;;) {
    const { rows: there } = await sql<Epoch>`select document_id, epoch, last_seq from shared_states
      where (document_id, epoch) > (${after.document_id}, ${after.epoch})
      order by document_id, epoch limit ${NEWEST}`.execute(target)
    const last = there.at(-1)
    if (last === undefined) return false
    after = last
    const ids = there.map(({ document_id }) => document_id)
    const here = await source
      .selectFrom('shared_states')
      .select(['document_id', 'epoch', 'last_seq'])
      .where('document_id', 'in', ids)
      .execute()
    const known = new Map(here.map((row) => [`${row.document_id} ${row.epoch}`, row.last_seq]))
    if (there.some((row) => row.last_seq > (known.get(`${row.document_id} ${row.epoch}`) ?? row.last_seq)))
      return true
  }
}

type Epoch = { document_id: string; epoch: number; last_seq: number }
