import { sql } from 'kysely'
import type { Database } from './schema.ts'

export type DeliveryTroubles = { waiting: number; failed: number }

/** What waits and what was given up of each webhook; those of the administrator under `alert`. */
export async function deliveryTroubles(db: Database): Promise<Map<string, DeliveryTroubles>> {
  const { rows } = await sql<{ webhook_id: string } & DeliveryTroubles>`
    select webhook_id, sum(waiting) as waiting, sum(failed) as failed
    from (
      select webhook_id, 1 as waiting, 0 as failed from webhook_deliveries where next_attempt_at is not null
      union all
      select webhook_id, 0 as waiting, 1 as failed from webhook_deliveries
      where state = 'failed' and finished_at is not null) as troubles
    group by webhook_id`.execute(db)
  return new Map(rows.map(({ webhook_id, waiting, failed }) => [webhook_id, { waiting, failed }]))
}
