import { createHmac } from 'node:crypto'

const SECRET_MARK = 'whsec_'

/** As it is shown to whoever has to check signatures. Source: Standard Webhooks, Signature scheme. */
export function webhookSecret(key: Buffer): string {
  return SECRET_MARK + key.toString('base64')
}

/**
 * The headers that prove where a body comes from and when it was sent.
 *
 * @param id names the event; the same on each attempt, so that receivers notice repetitions
 */
export function signedHeaders(
  secret: string,
  { id, sentAt, body }: { id: string; sentAt: Date; body: string },
): Record<string, string> {
  const timestamp = String(Math.floor(sentAt.getTime() / 1000))
  const key = Buffer.from(secret.slice(SECRET_MARK.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
