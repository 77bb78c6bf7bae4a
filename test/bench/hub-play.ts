import { setTimeout as delay } from 'node:timers/promises'
import type { Update } from './hub-trace.ts'

const READERS = 9
/** Updates the writer has under way at most. */
const WINDOW = 256
const GIVE_UP_MS = 60_000
/** A double of the last update would come within. */
const DOUBLE_MS = 100

export type Peer = {
  /** Resolves when the server has confirmed it. */
  send(update: Update): Promise<unknown>
  close(): Promise<void>
}

/** @param onUpdate is told of each update by others, with the means to ask which it is */
export type OpenPeer = (onUpdate: (is: (update: Update) => boolean) => void) => Promise<Peer>

export type Played = {
  deliveriesPerSecond: number
  /** From sending to receipt by a reader. */
  p99Ms: number
}

/**
 * One writes, nine read: as fast as updates are confirmed, or so many a second.
 *
 * @throws Error when a reader misses an update, gets one twice or gets them in another order
 */
export async function play(open: OpenPeer, updates: Update[], perSecond?: number): Promise<Played> {
  const sentAt = new Float64Array(updates.length)
  const latencies = new Float64Array(updates.length * READERS)
  let delivered = 0
  const over = Promise.withResolvers<void>()
  // It may fail before it is waited for.
  over.promise.catch(() => {})
  let fault: Error | undefined
  const fail = (error: Error) => {
    fault ??= error
    over.reject(error)
  }

  const openReader = () => {
    let next = 0
    return open((is) => {
      const expected = updates[next]
      if (expected === undefined || !is(expected)) fail(new Error(`a reader did not get update ${next}`))
      latencies[delivered++] = performance.now() - (sentAt[next++] ?? 0)
      if (delivered === latencies.length) over.resolve()
    })
  }
  await using peers = new AsyncDisposableStack()
  for (let reader = 0; reader < READERS; reader++) peers.adopt(await openReader(), (peer) => peer.close())
  const writer = peers.adopt(await open(() => fail(new Error('the writer got an update'))), (peer) =>
    peer.close(),
  )

  let sent = 0
  let confirmed = 0
  const started = performance.now()
  const send = () => {
    const seconds = (performance.now() - started) / 1000
    const due = perSecond === undefined ? updates.length : Math.ceil(seconds * perSecond)
    for (const update of updates.slice(sent, Math.min(due, confirmed + WINDOW))) {
      sentAt[sent++] = performance.now()
      writer.send(update).then(() => {
        confirmed += 1
        send()
      }, fail)
    }
  }
  using stack = new DisposableStack()
  stack.adopt(setInterval(send, 1), clearInterval)
  stack.adopt(
    setTimeout(() => fail(new Error(`${delivered} of ${latencies.length} were delivered`)), GIVE_UP_MS),
    clearTimeout,
  )
  await over.promise
  const seconds = (performance.now() - started) / 1000
  await delay(DOUBLE_MS)
  if (fault !== undefined) throw fault
  if (confirmed < updates.length) throw new Error(`${confirmed} of ${updates.length} were confirmed`)

  latencies.sort()
  return {
    deliveriesPerSecond: delivered / seconds,
    p99Ms: latencies[Math.ceil(delivered * 0.99) - 1] ?? Number.NaN,
  }
}
