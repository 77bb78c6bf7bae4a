import { sql } from 'kysely'
import { Problem } from '../errors.ts'
import type { Database, Tx } from './schema.ts'

/** Of the database: the nodes' own may differ. */
export const NOW_MS = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`

type Lease = { name: string; token: string }

/** @returns false while somebody else holds it; what has run out is taken over, one's own goes on */
export async function takeLease(db: Database, { name, token }: Lease, forMs: number): Promise<boolean> {
  const { rows } = await sql`
    insert into leases (name, token, expires_ms) values (${name}, ${token}, ${NOW_MS} + ${forMs}::bigint)
    on conflict (name) do update set token = excluded.token, expires_ms = excluded.expires_ms
      where leases.expires_ms < ${NOW_MS} or leases.token = excluded.token
    returning name`.execute(db)
  return rows.length > 0
}

/** @returns false when it has been taken over; one that only ran out goes on */
export async function renewLease(db: Database, { name, token }: Lease, forMs: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update leases set expires_ms = ${NOW_MS} + ${forMs}::bigint
    where name = ${name} and token = ${token}`.execute(db)
  return numAffectedRows === 1n
}

export async function endLease(db: Database, { name, token }: Lease): Promise<void> {
  await db.deleteFrom('leases').where('name', '=', name).where('token', '=', token).execute()
}

/**
 * The transaction counts only while the lease is held: nobody takes it over before the commit.
 *
 * @throws Problem `lease-lost`
 */
export async function demandLease(tx: Tx, { name, token }: Lease): Promise<void> {
  const held = await tx
    .selectFrom('leases')
    .select('name')
    .where('name', '=', name)
    .where('token', '=', token)
    .forShare()
    .executeTakeFirst()
  if (held === undefined) throw new Problem('lease-lost')
}
