import { WEBHOOK_EVENTS } from '../../src/core/webhooks/events.ts'
import { type Both, startBoth } from '../support/both.ts'
import { ALLOW_LOCAL, deliver, makeWebhook, type Receiver, startReceiver } from './support.ts'

export const ALL = [...WEBHOOK_EVENTS]

/** A service and Document Server, and somebody who is told of these events. */
export async function listening(events: string[], options: Parameters<typeof startBoth>[0] = {}) {
  const receiver = await startReceiver()
  const both = await startBoth({ ...options, env: { ...ALLOW_LOCAL, ...options.env } })
  const webhook = await makeWebhook(both.app, receiver.url, events)
  return {
    receiver,
    both,
    webhook,
    async [Symbol.asyncDispose]() {
      await both[Symbol.asyncDispose]()
      await receiver[Symbol.asyncDispose]()
    },
  }
}

export async function got(both: Both, receiver: Receiver): Promise<Record<string, unknown>[]> {
  await deliver(both.app)
  // Sent beside each other, they may arrive in any order.
  const inOrder = receiver.received.toSorted((a, b) => a.timestamp.localeCompare(b.timestamp))
  return inOrder.map(({ type, data }) => ({ type, ...data }))
}
