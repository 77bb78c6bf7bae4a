import type { Deps } from '../../core/deps.ts'
import { ALERT_WEBHOOK_ID, alertWebhook } from '../../core/webhooks/alerts.ts'
import { endOf } from '../../core/webhooks/target.ts'
import { listDeliveries, listWebhooks } from '../../core/webhooks/webhooks.ts'
import { isProblem } from '../../errors.ts'
import { listApiKeys } from '../../metadata/api-keys.ts'
import type { DeliveryRow } from '../../metadata/schema.ts'
import { type DeliveryTroubles, deliveryTroubles } from '../../metadata/webhook-troubles.ts'

const MOST_SHOWN = 200

/** @param chosen id of the webhook whose deliveries are shown too */
export async function webhooksPart(
  deps: Pick<Deps, 'database' | 'clock' | 'config' | 'webhookSecret'>,
  chosen: unknown,
) {
  const [webhooks, troubles, keys, alert] = await Promise.all([
    listWebhooks(deps, { kind: 'administrator' }),
    deliveryTroubles(deps.database),
    listApiKeys(deps.database),
    alertWebhook(deps),
  ])
  const names = new Map(keys.map(({ id, name }) => [id, name]))
  const own = webhooks.slice(0, MOST_SHOWN).map((webhook) => ({
    id: webhook.id,
    url: withoutSecrets(webhook.url),
    owner: names.get(webhook.api_key_id) ?? '',
    events: webhook.events,
    endedBecause: endOf(webhook, deps.clock()),
    ...troublesOf(troubles, webhook.id),
  }))
  const alerts = {
    id: ALERT_WEBHOOK_ID,
    url: withoutSecrets(alert.url ?? ''),
    owner: 'the administrator',
    events: ['alerts'],
    endedBecause: undefined,
    ...troublesOf(troubles, ALERT_WEBHOOK_ID),
  }
  const shown = [...(alert.url === null ? [] : [alerts]), ...own]
  return {
    webhooks: shown,
    count: webhooks.length,
    chosen: shown.find(({ id }) => id === chosen),
    deliveries: typeof chosen === 'string' ? await deliveriesOf(deps, chosen) : [],
  }
}

function troublesOf(troubles: Map<string, DeliveryTroubles>, id: string): DeliveryTroubles {
  return troubles.get(id) ?? { waiting: 0, failed: 0 }
}

async function deliveriesOf(deps: Pick<Deps, 'database'>, id: string): Promise<DeliveryRow[]> {
  try {
    return await listDeliveries(deps, { kind: 'administrator' }, id)
  } catch (error) {
    if (isProblem(error, 'webhook-not-found')) return []
    throw error
  }
}

/** Receivers often want a token in the query. */
function withoutSecrets(address: string): string {
  if (!URL.canParse(address)) return ''
  const { origin, pathname, search } = new URL(address)
  return `${origin}${pathname}${search === '' ? '' : '?…'}`
}
