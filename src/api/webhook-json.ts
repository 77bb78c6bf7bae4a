import { z } from 'zod'
import { WEBHOOK_EVENTS } from '../core/webhooks/events.ts'
import { endOf } from '../core/webhooks/target.ts'
import type { DeliveryRow } from '../metadata/schema.ts'
import type { WebhookOfKey } from '../metadata/webhooks.ts'
import { Id, Time } from './fields.ts'

const Event = z.enum(WEBHOOK_EVENTS).meta({ id: 'WebhookEvent' })

const Url = z
  .url({ protocol: /^https?$/, error: 'must be an http(s) address', abort: true })
  .max(2000)
  .refine((url) => !new URL(url).username && !new URL(url).password, 'must not carry a user name or password')

export const NewWebhook = z.object({
  url: Url,
  events: z.array(Event).min(1).max(WEBHOOK_EVENTS.length),
  apiKeyId: Id.optional().meta({ description: 'For the administrator: the key that it belongs to' }),
})

export const Webhook = z
  .object({
    id: Id,
    apiKeyId: Id,
    url: z.string(),
    events: z.array(Event),
    state: z.enum(['active', 'ended']),
    endedBecause: z.string().nullable(),
    createdAt: Time,
  })
  .meta({ id: 'Webhook' })

export const Secret = z.string().meta({ description: '`whsec_` and the key of the signatures in base64' })

export const Delivery = z
  .object({
    id: Id,
    event: z.string(),
    state: z.enum(['pending', 'delivered', 'failed']),
    attempts: z.int(),
    lastStatus: z.int().nullable(),
    lastError: z.string().nullable(),
    nextAttemptAt: Time.nullable(),
    createdAt: Time,
  })
  .meta({ id: 'WebhookDelivery' })

export const AlertWebhook = z.object({
  url: z.string().nullable(),
  secret: Secret,
  state: z.enum(['calm', 'raised']),
  alerts: z.array(z.object({ name: z.string(), raisedAt: Time })),
})

export function webhookJson(webhook: WebhookOfKey, now: Date): z.input<typeof Webhook> {
  const ended = endOf(webhook, now)
  return {
    id: webhook.id,
    apiKeyId: webhook.api_key_id,
    url: webhook.url,
    events: WEBHOOK_EVENTS.filter((event) => webhook.events.includes(event)),
    state: ended === undefined ? 'active' : 'ended',
    endedBecause: ended ?? null,
    createdAt: webhook.created_at,
  }
}

export function deliveryJson(row: DeliveryRow): z.input<typeof Delivery> {
  return {
    id: row.id,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    lastStatus: row.last_status,
    lastError: row.last_error,
    nextAttemptAt: row.next_attempt_at,
    createdAt: row.created_at,
  }
}
