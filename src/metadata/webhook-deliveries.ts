import { sql, type Updateable } from 'kysely'
import type { Database, DeliveryRow, Schema, Tx } from './schema.ts'

export type NewDelivery = { id: string; event: string; body: string; now: string }

/** One delivery for each webhook of the workspace that wants the event and whose key still works. */
export async function insertDeliveries(
  tx: Tx,
  workspaceId: string,
  { id, event, body, now }: NewDelivery,
): Promise<void> {
  // As text: each save comes by here, and building this query costs more than running it.
  await sql`
    insert into webhook_deliveries
      (webhook_id, id, event, body, state, attempts, next_attempt_at, created_at)
    select webhooks.id, ${id}, ${event}, ${body}, 'pending', 0, ${now}, ${now}
    from webhooks
      join webhook_events on webhook_events.webhook_id = webhooks.id and webhook_events.event = ${event}
      join api_keys on api_keys.id = webhooks.api_key_id
    where webhooks.workspace_id = ${workspaceId} and webhooks.disabled_at is null
      and api_keys.revoked_at is null
      and (api_keys.expires_at is null or api_keys.expires_at > ${now})`.execute(tx)
}

/** For the administrator's alerts, which no row of `webhooks` stands behind. */
export async function insertDelivery(
  tx: Tx,
  webhookId: string,
  { id, event, body, now }: NewDelivery,
): Promise<void> {
  await tx
    .insertInto('webhook_deliveries')
    .values({
      webhook_id: webhookId,
      id,
      event,
      body,
      state: 'pending',
      attempts: 0,
      next_attempt_at: now,
      created_at: now,
    })
    .execute()
}

/** Newest first. */
export function deliveriesOf(db: Database, webhookId: string, most: number): Promise<DeliveryRow[]> {
  return db
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .orderBy('id', 'desc')
    .limit(most)
    .execute()
}

type DeliveryKey = Pick<DeliveryRow, 'webhook_id' | 'id'>

/**
 * The longest due delivery of each webhook, however many others wait behind it: the recursion steps
 * from one waiting webhook to the next in the index.
 *
 * @param busy webhooks that are left out
 */
export async function dueDeliveries(
  db: Database,
  { now, busy, most }: { now: string; busy: readonly string[]; most: number },
): Promise<DeliveryKey[]> {
  const { rows } = await sql<DeliveryKey>`
    with recursive queues (webhook_id) as (
      select min(webhook_id) from webhook_deliveries where next_attempt_at is not null
      union all
      select (select min(webhook_id) from webhook_deliveries
              where next_attempt_at is not null and webhook_id > queues.webhook_id)
      from queues where queues.webhook_id is not null)
    select webhook_deliveries.webhook_id, webhook_deliveries.id
    from queues join webhook_deliveries on webhook_deliveries.webhook_id = queues.webhook_id
      and webhook_deliveries.id = (
        select id from webhook_deliveries as due
        where due.webhook_id = queues.webhook_id and due.next_attempt_at <= ${now}
        order by due.next_attempt_at limit 1)
    where queues.webhook_id not in (${sql.join(['', ...busy])})
    order by webhook_deliveries.next_attempt_at limit ${most}`.execute(db)
  return rows
}

/** Of two processes that want the same delivery one gets it; it is the other's again after `until`. */
export function claimDeliveries(
  db: Database,
  wanted: DeliveryKey[],
  { now, until }: { now: string; until: string },
): Promise<DeliveryRow[]> {
  return db
    .updateTable('webhook_deliveries')
    .set((row) => ({ attempts: row('attempts', '+', 1), next_attempt_at: until }))
    .where((row) => row.or(wanted.map(({ webhook_id, id }) => row.and({ webhook_id, id }))))
    .where('next_attempt_at', '<=', now)
    .returningAll()
    .execute()
}

/** Notes how the attempt of a claimed row ended, unless somebody else has claimed it since. */
export async function updateClaimed(
  db: Database,
  claimed: DeliveryRow,
  change: Updateable<Schema['webhook_deliveries']>,
): Promise<void> {
  await db
    .updateTable('webhook_deliveries')
    .set(change)
    .where('webhook_id', '=', claimed.webhook_id)
    .where('id', '=', claimed.id)
    .where('next_attempt_at', '=', claimed.next_attempt_at)
    .execute()
}

/** Ends all that still waits for a webhook. */
export async function failWaiting(
  db: Database,
  webhookId: string,
  { error, now }: { error: string; now: string },
): Promise<void> {
  await db
    .updateTable('webhook_deliveries')
    .set({ state: 'failed', last_error: error, next_attempt_at: null, finished_at: now })
    .where('webhook_id', '=', webhookId)
    .where('next_attempt_at', 'is not', null)
    .execute()
}

/** From the first attempt on again, at once. @returns undefined when there is no such delivery */
export function restartDelivery(
  db: Database,
  { webhook_id, id }: DeliveryKey,
  now: string,
): Promise<DeliveryRow | undefined> {
  return db
    .updateTable('webhook_deliveries')
    .set({ state: 'pending', attempts: 0, next_attempt_at: now, finished_at: null })
    .where('webhook_id', '=', webhook_id)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

/** @returns how many were forgotten, at most `most` */
export async function deleteFinished(
  db: Database,
  { state, before, most }: { state: 'delivered' | 'failed'; before: string; most: number },
): Promise<number> {
  const { rows } = await sql<DeliveryKey>`
    delete from webhook_deliveries where (webhook_id, id) in (
      select webhook_id, id from webhook_deliveries
      where state = ${state} and finished_at < ${before} limit ${most})
    returning id`.execute(db)
  return rows.length
}

/** Gives up what a receiver was too slow or too long away for. @returns how many, at most `most` */
export async function failOld(
  db: Database,
  { beforeId, error, now, most }: { beforeId: string; error: string; now: string; most: number },
): Promise<number> {
  const { rows } = await sql<DeliveryKey>`
    update webhook_deliveries
    set state = 'failed', last_error = coalesce(last_error, ${error}), next_attempt_at = null, finished_at = ${now}
    where (webhook_id, id) in (
      select webhook_id, id from webhook_deliveries
      where next_attempt_at is not null and id < ${beforeId} limit ${most})
      and next_attempt_at is not null
    returning id`.execute(db)
  return rows.length
}
