import { randomUUIDv7 } from 'node:crypto'
import { insertQuarantined, rereadUpdates, rewriteUpdates, type UpdatesRow } from '../../metadata/updates.ts'
import type { Deps } from '../deps.ts'
import { NO_UPDATE, packUpdates, unpackUpdates } from './packed-updates.ts'

/**
 * Keeps an update that cannot be applied out of the log; an empty one takes its number.
 *
 * @param place among all updates of these rows
 */
export async function quarantine(
  { database, clock, log }: Pick<Deps, 'database' | 'clock' | 'log'>,
  rows: UpdatesRow[],
  place: number,
  reason: 'time' | 'memory' | 'error',
): Promise<void> {
  let before = 0
  const row = rows.find(({ count }) => {
    before += count
    return place < before
  })
  if (row === undefined) throw new RangeError('no row holds this update')
  const index = place - (before - row.count)
  const { document_id, epoch } = row
  await database.transaction().execute(async (tx) => {
    // Another one of the row may have been taken out since it was read.
    const current = await rereadUpdates(tx, row)
    if (current === undefined) return
    const updates = unpackUpdates(current.data)
    const data = updates[index] ?? NO_UPDATE
    updates[index] = NO_UPDATE
    const at = clock().toISOString()
    await insertQuarantined(tx, { id: randomUUIDv7(), document_id, epoch, data, reason, at })
    await rewriteUpdates(tx, current, packUpdates(updates))
  })
  log.warn(
    { documentId: document_id, epoch, seq: row.seq - row.count + 1 + index, reason },
    'a shared update cannot be applied and was quarantined',
  )
}
