import { type Selectable, type SelectQueryBuilder, sql } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type PersonRow = Selectable<Schema['people']>

/** Stands in place of what was known of the person. */
export function upsertPerson(db: Database | Tx, row: PersonRow): Promise<PersonRow> {
  const { workspace_id, id, ...rest } = row
  return db
    .insertInto('people')
    .values(row)
    .onConflict((conflict) => conflict.columns(['workspace_id', 'id']).doUpdateSet(rest))
    .returningAll()
    .executeTakeFirstOrThrow()
}

/** Somebody was seen: what else is known of them stays. */
export async function notePersonSeen(
  tx: Tx,
  row: Pick<PersonRow, 'workspace_id' | 'id' | 'name' | 'folded_name' | 'updated_at'>,
  { isNameKnown }: { isNameKnown: boolean },
): Promise<void> {
  const { name, folded_name, updated_at } = row
  const insert = tx.insertInto('people').values({ ...row, email: null, image: null, groups: '[]' })
  await insert
    .onConflict((conflict) => {
      const known = conflict.columns(['workspace_id', 'id'])
      if (!isNameKnown) return known.doNothing()
      return known
        .doUpdateSet({ name, folded_name, updated_at })
        .where((row) => row('people.name', '<>', name))
    })
    .execute()
}

/** @returns whether there was one */
export async function deletePerson(db: Database, workspaceId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('people')
    .where('workspace_id', '=', workspaceId)
    .where('id', '=', id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

export type PeopleQuery = {
  workspaceId: string
  /** Folded; a part of the name or of the email address. */
  search?: string | undefined
  /** Only those that have an address. */
  withEmail?: boolean | undefined
  skip: number
  take: number
}

/** By name. */
export function listPeople(db: Database, wanted: PeopleQuery): Promise<PersonRow[]> {
  return matching(db.selectFrom('people'), wanted)
    .selectAll()
    .orderBy('folded_name')
    .orderBy('id')
    .limit(wanted.take)
    .offset(wanted.skip)
    .execute()
}

export async function countPeople(db: Database, wanted: PeopleQuery): Promise<number> {
  const { count } = await matching(db.selectFrom('people'), wanted)
    .select((row) => row.fn.countAll().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

function matching<O>(query: SelectQueryBuilder<Schema, 'people', O>, wanted: PeopleQuery) {
  let found = query.where('workspace_id', '=', wanted.workspaceId)
  if (wanted.withEmail === true) found = found.where('email', 'is not', null)
  if (wanted.search) {
    const pattern = `%${wanted.search.replace(/[\\%_]/g, '\\$&')}%`
    found = found.where((row) =>
      row.or([
        sql<boolean>`folded_name like ${pattern} escape '\\'`,
        sql<boolean>`lower(email) like ${pattern} escape '\\'`,
      ]),
    )
  }
  return found
}

export function peopleById(db: Database | Tx, workspaceId: string, ids: string[]): Promise<PersonRow[]> {
  if (ids.length === 0) return Promise.resolve([])
  return db
    .selectFrom('people')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where('id', 'in', ids)
    .execute()
}

/** @param emails in lower case */
export function peopleByEmail(db: Database, workspaceId: string, emails: string[]): Promise<PersonRow[]> {
  if (emails.length === 0) return Promise.resolve([])
  return db
    .selectFrom('people')
    .selectAll()
    .where('workspace_id', '=', workspaceId)
    .where((row) => row(row.fn<string>('lower', ['email']), 'in', emails))
    .execute()
}
