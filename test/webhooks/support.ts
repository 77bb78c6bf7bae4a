import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebhookQueue } from '../../src/core/webhooks/queue.ts'
import type { TestApp } from '../support/app.ts'

export const ALLOW_LOCAL = { WEBHOOK_ALLOWED_HOSTS: '127.0.0.1' }

export type Received = {
  path: string
  headers: IncomingHttpHeaders
  text: string
  type: string
  timestamp: string
  data: Record<string, unknown>
}

export type Receiver = AsyncDisposable & {
  url: string
  received: Received[]
  /** Status of the next answers; `hang` gives none. */
  answer: number | 'hang'
  types(): string[]
}

/** Somebody else's server that webhooks are sent to. */
export async function startReceiver(): Promise<Receiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      receiver.received.push({
        path: request.url ?? '',
        headers: request.headers,
        text,
        ...JSON.parse(text),
      })
      if (receiver.answer !== 'hang') response.writeHead(receiver.answer).end('thanks')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received: [],
    answer: 200,
    types: () => receiver.received.map(({ type }) => type),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}

export type MadeWebhook = { id: string; url: string; secret: string; events: string[]; apiKeyId: string }

export async function makeWebhook(
  app: TestApp,
  url: string,
  events: string[],
  { as, ...more }: { as?: string; apiKeyId?: string } = {},
): Promise<MadeWebhook> {
  const response = await app.fetch('/api/webhooks', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url, events, ...more }),
    ...(as === undefined ? {} : { as }),
  })
  if (response.status !== 201) throw new Error(`answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as MadeWebhook
}

/** What the background does each second, until nothing is due. */
export async function deliver({ deps }: TestApp): Promise<void> {
  await new WebhookQueue(deps, new AbortController().signal).idle()
}

export function deliveryRows({ deps }: TestApp, webhookId: string) {
  return deps.database
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook_id', '=', webhookId)
    .orderBy('id')
    .execute()
}

/** As a receiver does it. Source: Standard Webhooks, Verifying signatures. */
export function isSignedWith(secret: string, { headers, text }: Received): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
