import { z } from 'zod'
import { alertWebhook } from '../core/webhooks/alerts.ts'
import {
  createWebhook,
  deleteWebhook,
  listDeliveries,
  listWebhooks,
  retryDelivery,
  testWebhook,
  webhookFor,
} from '../core/webhooks/webhooks.ts'
import type { WebhookOfKey } from '../metadata/webhooks.ts'
import type { Api } from './api.ts'
import { Id } from './fields.ts'
import { type Operation, operation } from './operation.ts'
import {
  AlertWebhook,
  Delivery,
  deliveryJson,
  NewWebhook,
  Secret,
  Webhook,
  webhookJson,
} from './webhook-json.ts'

const OfWebhook = z.object({ id: Id })
const COMMON = { tag: 'Webhooks', access: 'token', permission: 'documents:read' } as const

/** Who is told of what happens. Source: standardwebhooks.com for headers, signature and body. */
export function webhookOperations({ deps }: Api): Operation[] {
  const json = (webhook: WebhookOfKey) => webhookJson(webhook, deps.clock())

  return [
    operation({
      ...COMMON,
      method: 'post',
      paths: ['/webhooks'],
      summary: 'Be told of events of the key’s workspace, until the key ends',
      body: NewWebhook,
      answer: { status: 201, json: Webhook.extend({ secret: Secret }) },
      problems: ['webhook-address-refused', 'api-key-not-found', 'administrator-only'],
      isRepeatable: true,
      async handle({ caller, body, response }) {
        const webhook = await createWebhook(deps, caller, body)
        response.set('Cache-Control', 'no-store')
        return { ...json(webhook), secret: deps.webhookSecret(webhook.id) }
      },
    }),

    operation({
      ...COMMON,
      method: 'get',
      paths: ['/webhooks'],
      summary: 'The webhooks of the key; all for the administrator',
      answer: { status: 200, json: z.object({ webhooks: z.array(Webhook) }) },
      async handle({ caller }) {
        return { webhooks: (await listWebhooks(deps, caller)).map(json) }
      },
    }),

    operation({
      method: 'get',
      paths: ['/webhooks/alert'],
      tag: 'Webhooks',
      access: 'administrator',
      summary: 'The webhook that alerts the administrator (`ALERT_WEBHOOK_URL`), and what is wrong now',
      answer: { status: 200, json: AlertWebhook },
      async handle({ response }) {
        response.set('Cache-Control', 'no-store')
        return alertWebhook(deps)
      },
    }),

    operation({
      ...COMMON,
      method: 'get',
      paths: ['/webhooks/:id'],
      summary: 'One webhook',
      params: OfWebhook,
      answer: { status: 200, json: Webhook },
      problems: ['webhook-not-found'],
      async handle({ caller, params }) {
        return json(await webhookFor(deps, caller, params.id))
      },
    }),

    operation({
      ...COMMON,
      method: 'delete',
      paths: ['/webhooks/:id'],
      summary: 'End a webhook; what still waits is not sent',
      params: OfWebhook,
      answer: { status: 204 },
      problems: ['webhook-not-found'],
      async handle({ caller, params }) {
        await deleteWebhook(deps, caller, params.id)
      },
    }),

    operation({
      ...COMMON,
      method: 'get',
      paths: ['/webhooks/:id/deliveries'],
      summary: 'The latest 100 deliveries; the administrator sees those of the id `alert` too',
      params: OfWebhook,
      answer: { status: 200, json: z.object({ deliveries: z.array(Delivery) }) },
      problems: ['webhook-not-found'],
      async handle({ caller, params }) {
        return { deliveries: (await listDeliveries(deps, caller, params.id)).map(deliveryJson) }
      },
    }),

    operation({
      ...COMMON,
      method: 'post',
      paths: ['/webhooks/:id/test'],
      summary: 'Send a `ping` now and say what came back',
      params: OfWebhook,
      answer: {
        status: 200,
        json: z.object({
          isDelivered: z.boolean(),
          status: z.int().nullable(),
          error: z.string().nullable(),
        }),
      },
      problems: ['webhook-not-found'],
      async handle({ caller, params }) {
        const { status, error } = await testWebhook(deps, caller, params.id)
        const isDelivered = status !== undefined && status >= 200 && status < 300
        return { isDelivered, status: status ?? null, error: error ?? null }
      },
    }),

    operation({
      ...COMMON,
      method: 'post',
      paths: ['/webhooks/:id/deliveries/:deliveryId/retry'],
      summary: 'Send a delivery again, at once',
      params: OfWebhook.extend({ deliveryId: Id }),
      answer: { status: 200, json: Delivery },
      problems: ['webhook-not-found'],
      async handle({ caller, params }) {
        return deliveryJson(await retryDelivery(deps, caller, params))
      },
    }),
  ]
}
