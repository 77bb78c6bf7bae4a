import { type Selectable, sql } from 'kysely'
import type { ApiKeyRow, Database, Schema, Tx, WebhookRow } from './schema.ts'

/** A webhook with what it wants and with the two times that end its key. */
export type WebhookOfKey = WebhookRow & { events: string[] } & Pick<ApiKeyRow, 'revoked_at' | 'expires_at'>

export async function insertWebhook(
  tx: Tx,
  row: Selectable<Schema['webhooks']>,
  events: readonly string[],
): Promise<void> {
  await tx.insertInto('webhooks').values(row).execute()
  await tx
    .insertInto('webhook_events')
    .values(events.map((event) => ({ webhook_id: row.id, event })))
    .execute()
}

export async function countWebhooks(tx: Tx, apiKeyId: string): Promise<number> {
  const { count } = await tx
    .selectFrom('webhooks')
    .select((row) => row.fn.countAll<number>().as('count'))
    .where('api_key_id', '=', apiKeyId)
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Newest first. @param wanted all when nothing is named */
export async function findWebhooks(
  db: Database | Tx,
  wanted: { id?: string; apiKeyId?: string | undefined },
): Promise<WebhookOfKey[]> {
  let query = db
    .selectFrom('webhooks')
    .innerJoin('api_keys', 'api_keys.id', 'webhooks.api_key_id')
    .leftJoin('webhook_events', 'webhook_events.webhook_id', 'webhooks.id')
    .selectAll('webhooks')
    .select(['api_keys.revoked_at', 'api_keys.expires_at'])
    .select(sql<string | null>`webhook_events.event`.as('event'))
  if (wanted.id !== undefined) query = query.where('webhooks.id', '=', wanted.id)
  if (wanted.apiKeyId !== undefined) query = query.where('webhooks.api_key_id', '=', wanted.apiKeyId)
  const rows = await query
    .orderBy('webhooks.created_at', 'desc')
    .orderBy('webhooks.id', 'desc')
    .orderBy('webhook_events.event')
    .execute()
  const found = new Map<string, WebhookOfKey>()
  for (const { event, ...row } of rows) {
    const webhook = found.get(row.id) ?? { ...row, events: [] }
    if (event !== null) webhook.events.push(event)
    found.set(row.id, webhook)
  }
  return [...found.values()]
}

/** With all that was and was to be sent to it. */
export async function deleteWebhook(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('webhook_deliveries').where('webhook_id', '=', id).execute()
  await tx.deleteFrom('webhooks').where('id', '=', id).execute()
}

export async function disableWebhook(db: Database | Tx, id: string, now: string): Promise<void> {
  await db
    .updateTable('webhooks')
    .set({ disabled_at: now })
    .where('id', '=', id)
    .where('disabled_at', 'is', null)
    .execute()
}
