import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { NOW_MS } from './leases.ts'
import type { Database } from './schema.ts'

/** Digests by the names of settings. */
export type SharedSettings = Record<string, string>
export type NodeRow = { instance: string; name: string; settings?: SharedSettings }

/** Says that a process is there, for so long. */
export async function announceNode(
  db: Database,
  { instance, name, settings = {} }: NodeRow,
  forMs: number,
): Promise<void> {
  await sql`
    insert into nodes (instance, name, settings, since_ms, expires_ms)
    values (${instance}, ${name}, ${JSON.stringify(settings)}, ${NOW_MS}, ${NOW_MS} + ${forMs}::bigint)
    on conflict (instance) do update
      set name = excluded.name, settings = excluded.settings, expires_ms = excluded.expires_ms`.execute(db)
  await sql`insert into database_life (id, token) values (1, ${randomUUID()}) on conflict do nothing`.execute(
    db,
  )
}

export async function forgetNode(db: Database, instance: string): Promise<void> {
  await sql`delete from nodes where instance = ${instance} or expires_ms < ${NOW_MS} - 3600000`.execute(db)
}

/** Names of those that were heard of in time. */
export async function liveNodes(db: Database, { but }: { but: string }): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct name from nodes where instance <> ${but} and expires_ms >= ${NOW_MS} order by name`.execute(
    db,
  )
  return rows.map(({ name }) => name)
}

/**
 * Of those that were heard of in time, by their names.
 *
 * @param joinedBefore only those that were there before this one
 */
export async function liveSettings(
  db: Database,
  { but, joinedBefore }: { but: string; joinedBefore?: string },
): Promise<{ name: string; settings: SharedSettings }[]> {
  const earlier =
    joinedBefore === undefined
      ? sql``
      : sql`and (since_ms, instance) < (select since_ms, instance from nodes where instance = ${joinedBefore})`
  const { rows } = await sql<{ name: string; settings: string }>`
    select name, settings from nodes
    where instance <> ${but} and expires_ms >= ${NOW_MS} ${earlier} order by name`.execute(db)
  return rows.map(({ name, settings }) => ({ name, settings: JSON.parse(settings) }))
}

/**
 * Saves that a node was taking when it was last heard of have failed. Nothing is said of others before
 * this node has listened for long enough to have heard of all that live.
 *
 * @returns how many
 */
export async function failSavesOfLostNodes(
  db: Database,
  { instance, listenedMs, now }: { instance: string; listenedMs: number; now: string },
): Promise<number> {
  const { rows } = await sql`
    update saves set state = 'failed', error = 'interrupted', finished_at = ${now}
    where state = 'receiving'
      and not exists (select 1 from nodes where nodes.name = saves.node and expires_ms >= ${NOW_MS})
      and exists (select 1 from nodes where instance = ${instance} and since_ms <= ${NOW_MS} - ${listenedMs}::bigint)
    returning id`.execute(db)
  return rows.length
}
