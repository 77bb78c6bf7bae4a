import type { DeliveryRow } from '../../metadata/schema.ts'
import {
  claimDeliveries,
  dueDeliveries,
  failWaiting,
  updateClaimed,
} from '../../metadata/webhook-deliveries.ts'
import { disableWebhook } from '../../metadata/webhooks.ts'
import type { Deps } from '../deps.ts'
import { afterSeconds } from '../sessions.ts'
import { postSigned, targetOf, type WebhookTarget } from './target.ts'

/** One slow receiver leaves room for others. */
const IN_FLIGHT = 8
const IN_FLIGHT_PER_WEBHOOK = 2
/** Longer than an attempt can take; after that another process may take over. */
const LEASE_S = 60
/** From one attempt to the next, about: up to a tenth longer, so that what failed together does not come back together. */
export const RETRY_AFTER_S = [5, 30, 120, 600, 3600, 3 * 3600, 6 * 3600, 12 * 3600, 24 * 3600]
const JITTER = 0.1

type QueueDeps = Pick<Deps, 'database' | 'clock' | 'config' | 'log' | 'webhookSender' | 'webhookSecret'>

/**
 * Sends what stands in the deliveries table. An attempt is claimed before it is made and noted after
 * it: what a stopped process leaves in between is sent again, under the same id.
 */
export class WebhookQueue {
  readonly #deps: QueueDeps
  readonly #stop: AbortSignal
  readonly #inFlight = new Map<string, number>()
  readonly #sends = new Set<Promise<void>>()
  #starting: Promise<void> | undefined
  /** Room was made while the last look was under way, which may not have seen it. */
  #isLookWanted = false

  constructor(deps: QueueDeps, stop: AbortSignal) {
    this.#deps = deps
    this.#stop = stop
  }

  /** Starts what is due, as far as there is room; a quiet round only reads. */
  startDue(): Promise<void> {
    this.#isLookWanted = true
    this.#starting ??= this.#look()
    return this.#starting
  }

  /** Resolves once nothing is due and nothing under way, or after the stop. */
  async idle(): Promise<void> {
    do {
      await (this.#stop.aborted ? this.#starting : this.startDue())
      await Promise.all(this.#sends)
    } while (this.#sends.size > 0 || this.#starting !== undefined)
  }

  async #look(): Promise<void> {
    try {
      while (this.#isLookWanted) {
        this.#isLookWanted = false
        await this.#fill()
      }
    } finally {
      // In the same turn as the last question: nothing can be wanted in between.
      this.#starting = undefined
    }
  }

  async #fill(): Promise<void> {
    const { database, clock } = this.#deps
    while (!this.#stop.aborted && this.#sends.size < IN_FLIGHT) {
      const now = clock()
      const due = await dueDeliveries(database, {
        now: now.toISOString(),
        busy: this.#busy(),
        most: IN_FLIGHT - this.#sends.size,
      })
      if (due.length === 0) return
      const claimed = await claimDeliveries(database, due, {
        now: now.toISOString(),
        until: afterSeconds(now, LEASE_S),
      })
      for (const delivery of claimed) this.#start(delivery)
    }
  }

  #busy(): string[] {
    return [...this.#inFlight].filter(([, count]) => count >= IN_FLIGHT_PER_WEBHOOK).map(([id]) => id)
  }

  #start(delivery: DeliveryRow): void {
    const { webhook_id: id } = delivery
    this.#inFlight.set(id, (this.#inFlight.get(id) ?? 0) + 1)
    const done = this.#attempt(delivery)
      .catch((error: unknown) => {
        this.#deps.log.error({ err: error, webhook: id }, 'end of a webhook delivery not noted, sent again')
      })
      .finally(() => {
        const left = (this.#inFlight.get(id) ?? 1) - 1
        if (left === 0) this.#inFlight.delete(id)
        else this.#inFlight.set(id, left)
        this.#sends.delete(done)
        if (!this.#stop.aborted) this.startDue().catch(() => {})
      })
    this.#sends.add(done)
  }

  async #attempt(delivery: DeliveryRow): Promise<void> {
    const { database, clock } = this.#deps
    const target = await targetOf(this.#deps, delivery.webhook_id)
    if (target === undefined) return
    const { ended } = target
    if (ended !== undefined) {
      return failWaiting(database, target.webhookId, { error: ended, now: clock().toISOString() })
    }
    const { id, body } = delivery
    const { status, error } = await postSigned(this.#deps, target, { id, body, signal: this.#stop })
    if (status === undefined && this.#stop.aborted) {
      const again = { attempts: delivery.attempts - 1, next_attempt_at: clock().toISOString() }
      return updateClaimed(database, delivery, again)
    }
    await this.#note(target, delivery, { status, error })
  }

  async #note(
    { webhookId }: WebhookTarget,
    delivery: DeliveryRow,
    { status, error }: { status: number | undefined; error: string | undefined },
  ): Promise<void> {
    const { database, clock, log } = this.#deps
    const now = clock()
    const at = now.toISOString()
    if (status !== undefined && status >= 200 && status < 300) {
      const delivered = { state: 'delivered', last_status: status, last_error: null } as const
      return updateClaimed(database, delivery, { ...delivered, next_attempt_at: null, finished_at: at })
    }
    const last = { last_status: status ?? null, last_error: error ?? `answered ${status}` }
    const waitS = RETRY_AFTER_S[delivery.attempts - 1]
    const change =
      waitS === undefined
        ? ({ ...last, state: 'failed', next_attempt_at: null, finished_at: at } as const)
        : { ...last, next_attempt_at: afterSeconds(now, waitS * (1 + Math.random() * JITTER)) }
    await updateClaimed(database, delivery, change)
    // The receiver wants nothing any more. Source: RFC 9110 §15.5.11; Standard Webhooks, Operational considerations.
    if (status === 410) {
      await disableWebhook(database, webhookId, at)
      await failWaiting(database, webhookId, { error: 'the receiver answered 410', now: at })
    }
    if (status === 410 || waitS === undefined)
      log.warn({ webhook: webhookId, ...last }, 'webhook delivery given up')
  }
}
