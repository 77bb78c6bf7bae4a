import { randomUUIDv7 } from 'node:crypto'
import { Problem } from '../../errors.ts'
import { apiKeyById } from '../../metadata/api-keys.ts'
import type { ApiKeyRow, DeliveryRow, Tx } from '../../metadata/schema.ts'
import { deliveriesOf, restartDelivery } from '../../metadata/webhook-deliveries.ts'
import {
  countWebhooks,
  deleteWebhook as deleteRows,
  findWebhooks,
  insertWebhook,
  type WebhookOfKey,
} from '../../metadata/webhooks.ts'
import { recordActivity } from '../activity.ts'
import { authorOf, type Caller, demand } from '../callers.ts'
import type { Deps } from '../deps.ts'
import { ALERT_WEBHOOK_ID } from './alerts.ts'
import type { WebhookEvent } from './events.ts'
import { postSigned, type Sent, targetOf } from './target.ts'

const MOST_PER_KEY = 20
const MOST_DELIVERIES_SHOWN = 100

export type NewWebhook = {
  url: string
  events: WebhookEvent[]
  /** Whose it is; a client's own if absent. */
  apiKeyId?: string | undefined
}

/**
 * Makes a webhook of an API key: it gets the events of the key's workspace and ends with the key.
 *
 * @throws Problem `permission-missing`, `webhook-address-refused`, `validation-failed` (the
 *   administrator named no key, the key has 20 webhooks), `administrator-only` (another's key),
 *   `api-key-not-found`
 */
export async function createWebhook(
  deps: Pick<Deps, 'database' | 'clock' | 'webhookSender'>,
  caller: Caller,
  { url, events, ...wanted }: NewWebhook,
): Promise<WebhookOfKey> {
  demand(caller, 'documents:read')
  const apiKeyId = ownerOf(caller, wanted.apiKeyId)
  deps.webhookSender.demandAllowed(url)
  const now = deps.clock().toISOString()
  return deps.database.transaction().execute(async (tx) => {
    const key = await workingKey(tx, apiKeyId, now)
    if ((await countWebhooks(tx, apiKeyId)) >= MOST_PER_KEY)
      throw new Problem('validation-failed', `a key has at most ${MOST_PER_KEY} webhooks`)
    const row = {
      id: randomUUIDv7(),
      api_key_id: apiKeyId,
      workspace_id: key.workspace_id,
      url,
      created_at: now,
      disabled_at: null,
    }
    const wantedEvents = [...new Set(events)].sort()
    await insertWebhook(tx, row, wantedEvents)
    await record(tx, caller, 'webhook-created', row, now)
    return { ...row, events: wantedEvents, revoked_at: null, expires_at: key.expires_at }
  })
}

function ownerOf(caller: Caller, named: string | undefined): string {
  if (caller.kind === 'administrator') {
    if (named !== undefined) return named
    throw new Problem('validation-failed', 'the administrator names the key', {
      errors: { apiKeyId: ['is needed: a webhook belongs to an API key'] },
    })
  }
  if (named !== undefined && named !== caller.id) throw new Problem('administrator-only')
  return caller.id
}

async function workingKey(tx: Tx, id: string, now: string): Promise<ApiKeyRow> {
  const key = await apiKeyById(tx, id)
  const isWorking =
    key !== undefined && key.revoked_at === null && (key.expires_at === null || key.expires_at > now)
  if (!isWorking) throw new Problem('api-key-not-found')
  return key
}

/** Newest first: a client's own, or all for the administrator. @throws Problem `permission-missing` */
export async function listWebhooks(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
): Promise<WebhookOfKey[]> {
  demand(caller, 'documents:read')
  return findWebhooks(database, { apiKeyId: keyOf(caller) })
}

/** @throws Problem `webhook-not-found`, also for another key's; `permission-missing` */
export async function webhookFor(
  { database }: { database: Deps['database'] | Tx },
  caller: Caller,
  id: string,
): Promise<WebhookOfKey> {
  demand(caller, 'documents:read')
  const [webhook] = await findWebhooks(database, { id, apiKeyId: keyOf(caller) })
  if (webhook === undefined) throw new Problem('webhook-not-found')
  return webhook
}

/** Undefined: those of all keys. */
function keyOf(caller: Caller): string | undefined {
  return caller.kind === 'administrator' ? undefined : caller.id
}

/** What still waits for it is not sent any more. @throws as `webhookFor` */
export async function deleteWebhook(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  id: string,
): Promise<void> {
  await database.transaction().execute(async (tx) => {
    const webhook = await webhookFor({ database: tx }, caller, id)
    await deleteRows(tx, id)
    await record(tx, caller, 'webhook-deleted', webhook, clock().toISOString())
  })
}

/** The latest 100, newest first. The administrator also sees those of the id `alert`. @throws as `webhookFor` */
export async function listDeliveries(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  id: string,
): Promise<DeliveryRow[]> {
  await demandVisible(deps, caller, id)
  return deliveriesOf(deps.database, id, MOST_DELIVERIES_SHOWN)
}

/** Sends again, at once and with a new set of attempts. @throws as `webhookFor`, also for an unknown delivery */
export async function retryDelivery(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  { id, deliveryId }: { id: string; deliveryId: string },
): Promise<DeliveryRow> {
  await demandVisible(deps, caller, id)
  const row = await restartDelivery(
    deps.database,
    { webhook_id: id, id: deliveryId },
    deps.clock().toISOString(),
  )
  if (row === undefined) throw new Problem('webhook-not-found', 'this webhook has no such delivery')
  return row
}

/** Sends a `ping` now and once. @throws as `webhookFor` */
export async function testWebhook(
  deps: Pick<Deps, 'database' | 'clock' | 'config' | 'webhookSender' | 'webhookSecret'>,
  caller: Caller,
  id: string,
): Promise<Sent> {
  await demandVisible(deps, caller, id)
  const target = await targetOf(deps, id)
  if (target === undefined) throw new Problem('webhook-not-found')
  if (target.ended !== undefined) return { status: undefined, error: target.ended }
  const body = JSON.stringify({ type: 'ping', timestamp: deps.clock().toISOString(), data: {} })
  return postSigned(deps, target, { id: randomUUIDv7(), body })
}

async function demandVisible(deps: Pick<Deps, 'database'>, caller: Caller, id: string): Promise<void> {
  if (caller.kind !== 'administrator' || id !== ALERT_WEBHOOK_ID) await webhookFor(deps, caller, id)
}

function record(
  tx: Tx,
  caller: Caller,
  action: 'webhook-created' | 'webhook-deleted',
  webhook: { id: string; workspace_id: string; api_key_id: string },
  at: string,
): Promise<void> {
  return recordActivity(tx, {
    workspaceId: webhook.workspace_id,
    documentId: null,
    actor: authorOf(caller),
    action,
    at,
    detail: { webhookId: webhook.id, apiKeyId: webhook.api_key_id },
  })
}
