import type { DeliveryRow } from '../../metadata/schema.ts'
import {
  claimDeliveries,
  dueDeliveries,
  failWaiting,
  updateClaimed,
} from '../../metadata/webhook-deliveries.ts'
import { disableWebhook } from '../../metadata/webhooks.ts'
import type { Deps } from '../deps.ts'
import { type Claimed, DueWork } from '../due-work.ts'
import { afterSeconds } from '../sessions.ts'
import { postSigned, targetOf, type WebhookTarget } from './target.ts'

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
  readonly #work: DueWork

  constructor(deps: QueueDeps, stop: AbortSignal) {
    this.#deps = deps
    this.#stop = stop
    const claim = (room: number, busy: string[]) => this.#claim(room, busy)
    this.#work = new DueWork({ most: IN_FLIGHT, mostEach: IN_FLIGHT_PER_WEBHOOK, stop, claim })
  }

  /** Starts what is due, as far as there is room; a quiet round only reads. */
  startDue(): Promise<void> {
    return this.#work.startDue()
  }

  /** Resolves once nothing is due and nothing under way, or after the stop. */
  idle(): Promise<void> {
    return this.#work.idle()
  }

  async #claim(most: number, busy: string[]): Promise<Claimed[] | undefined> {
    const { database, clock, log } = this.#deps
    const at = clock()
    const now = at.toISOString()
    const due = await dueDeliveries(database, { now, busy, most })
    if (due.length === 0) return undefined
    const claimed = await claimDeliveries(database, due, { now, until: afterSeconds(at, LEASE_S) })
    return claimed.map((delivery) => ({
      owner: delivery.webhook_id,
      attempt: () =>
        this.#attempt(delivery).catch((error: unknown) => {
          const fields = { err: error, webhook: delivery.webhook_id }
          log.error(fields, 'end of a webhook delivery not noted, sent again')
        }),
    }))
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
