import { findWebhooks, type WebhookOfKey } from '../../metadata/webhooks.ts'
import type { Deps } from '../deps.ts'
import type { WebhookAnswer } from '../ports.ts'
import { ALERT_WEBHOOK_ID } from './alerts.ts'
import { signedHeaders } from './signature.ts'

/** Where the deliveries of a webhook go. */
export type WebhookTarget = {
  webhookId: string
  url: string
  /** Why nothing is sent any more. */
  ended: string | undefined
  mayBeInternal: boolean
}

export type Sent = WebhookAnswer

/** @returns undefined for a webhook that was deleted */
export async function targetOf(
  { database, config, clock }: Pick<Deps, 'database' | 'config' | 'clock'>,
  webhookId: string,
): Promise<WebhookTarget | undefined> {
  if (webhookId === ALERT_WEBHOOK_ID) {
    const url = config.ALERT_WEBHOOK_URL
    const ended = url === undefined ? 'ALERT_WEBHOOK_URL is not set' : undefined
    return { webhookId, url: url ?? '', ended, mayBeInternal: true }
  }
  const [webhook] = await findWebhooks(database, { id: webhookId })
  if (webhook === undefined) return undefined
  return { webhookId, url: webhook.url, ended: endOf(webhook, clock()), mayBeInternal: false }
}

/** Why a webhook gets nothing any more; undefined while it does. */
export function endOf(webhook: WebhookOfKey, now: Date): string | undefined {
  if (webhook.disabled_at !== null) return 'the receiver answered 410'
  if (webhook.revoked_at !== null) return 'the API key was revoked'
  const isExpired = webhook.expires_at !== null && webhook.expires_at <= now.toISOString()
  return isExpired ? 'the API key has expired' : undefined
}

/** One attempt. */
export function postSigned(
  { clock, webhookSender, webhookSecret }: Pick<Deps, 'clock' | 'webhookSender' | 'webhookSecret'>,
  { webhookId, url, mayBeInternal }: WebhookTarget,
  { id, body, signal }: { id: string; body: string; signal?: AbortSignal | undefined },
): Promise<Sent> {
  const headers = signedHeaders(webhookSecret(webhookId), { id, sentAt: clock(), body })
  return webhookSender.send({
    url,
    headers,
    body,
    mayBeInternal,
    ...(signal === undefined ? {} : { signal }),
  })
}
