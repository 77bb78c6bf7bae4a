import { setTimeout as delay } from 'node:timers/promises'
import { connectHub, hubPeers } from './hub-client.ts'
import { type Trace, textOf } from './hub-trace.ts'
import { median } from './rounds.ts'
import type { BenchService } from './service.ts'

const JOINS = 5
/** Updates under way at most. */
const WINDOW = 256
const SETTLE_MS = 2000

/** Stores the updates one by one, as somebody would who types all day. */
export async function storeUpdates(
  service: BenchService,
  documentId: string,
  { updates }: Trace,
): Promise<void> {
  const peer = await hubPeers(service, documentId)(() => {})
  for (let next = 0; next < updates.length; next += WINDOW) {
    await Promise.all(updates.slice(next, next + WINDOW).map((update) => peer.send(update)))
  }
  await peer.close()
  await delay(SETTLE_MS)
}

/**
 * From JoinDocument to the whole state, for somebody who comes to an empty document; the first time
 * and the median.
 *
 * @throws Error when the state is not what was typed
 */
export async function joinMs(
  service: BenchService,
  documentId: string,
  { text }: Trace,
): Promise<{ first: number; median: number }> {
  const times: number[] = []
  for (let count = 0; count < JOINS; count++) {
    const client = await connectHub(service)
    const started = performance.now()
    const [, state] = await Promise.all([
      client.invoke('JoinDocument', documentId),
      client.invoke('RequestSync', documentId),
    ])
    times.push(performance.now() - started)
    if (textOf(Buffer.from(String(state), 'base64')) !== text)
      throw new Error('the state is not what was typed')
    await client.close()
    await delay(SETTLE_MS)
  }
  return { first: times[0] ?? Number.NaN, median: median(times) }
}
