import { Problem } from '../../errors.ts'
import type { Deps } from '../deps.ts'
import { type Stored, type StoreLimits, storeUpdates } from './store-updates.ts'

/** What one commit takes at most. */
const MOST_UPDATES = 1024
const MOST_BYTES = 4 * 1024 * 1024
/** What may wait for its commit. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024

export type Entry = {
  documentId: string
  epoch: number
  /** Checked. */
  update: Uint8Array
  base64: string
  /** Connection that sent it. */
  from: string
}

type Waiting = Entry & { resolve: (seq: number) => void; reject: (error: unknown) => void }

/** What is committed together, by document and epoch. */
type Batch = {
  groups: Map<string, Waiting[]>
  count: number
  bytes: number
  /** Its commit has not begun. */
  isOpen: boolean
  /** Resolves when it is committed or has failed. */
  settled: Promise<void>
  settle: () => void
}

/** Makes updates durable, as many together as wait, and then tells the rooms, in the order of their numbers. */
export class AppendQueue {
  readonly #deps: Pick<Deps, 'commits' | 'events' | 'clock' | 'log'>
  readonly #limits: StoreLimits
  readonly #onStored: (documentId: string, stored: Stored) => void
  readonly #batches: Batch[] = []
  readonly #telling = new Set<Promise<void>>()
  #waitingBytes = 0
  #isRunning = false

  constructor(
    deps: Pick<Deps, 'commits' | 'events' | 'clock' | 'log'>,
    limits: StoreLimits,
    onStored: (documentId: string, stored: Stored) => void,
  ) {
    this.#deps = deps
    this.#limits = limits
    this.#onStored = onStored
  }

  /** @throws Problem as `Updates.append` */
  append(entry: Entry): Promise<number> {
    if (this.#waitingBytes + entry.update.byteLength > MOST_WAITING_BYTES)
      return Promise.reject(new Problem('too-many-requests', undefined, { retryAfterS: 1 }))
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const batch = this.#batchFor(entry)
    const group = `${entry.epoch}:${entry.documentId}`
    const waiting = { ...entry, resolve, reject }
    const others = batch.groups.get(group)
    if (others === undefined) batch.groups.set(group, [waiting])
    else others.push(waiting)
    batch.count += 1
    batch.bytes += entry.update.byteLength
    this.#waitingBytes += entry.update.byteLength
    if (!this.#isRunning) void this.#drain()
    return promise
  }

  /** Resolves when all that was appended so far is committed or has failed. */
  async settled(): Promise<void> {
    await this.#batches.at(-1)?.settled
  }

  /** Resolves when the rooms know, too. */
  async idle(): Promise<void> {
    await this.settled()
    await Promise.all(this.#telling)
  }

  #batchFor({ update }: Entry): Batch {
    const last = this.#batches.at(-1)
    if (last?.isOpen && last.count < MOST_UPDATES && last.bytes + update.byteLength <= MOST_BYTES) return last
    const { promise, resolve } = Promise.withResolvers<void>()
    const batch = {
      groups: new Map(),
      count: 0,
      bytes: 0,
      isOpen: true,
      settled: promise,
      settle: resolve,
    }
    this.#batches.push(batch)
    return batch
  }

  async #drain(): Promise<void> {
    this.#isRunning = true
    for (let [batch] = this.#batches; batch !== undefined; [batch] = this.#batches) {
      await this.#commit(batch)
      this.#batches.shift()
      this.#waitingBytes -= batch.bytes
      batch.settle()
    }
    this.#isRunning = false
  }

  async #commit(batch: Batch): Promise<void> {
    const { groups } = batch
    const { commits, clock } = this.#deps
    const at = clock().toISOString()
    try {
      const outcomes = await commits.run(async (tx) => {
        batch.isOpen = false
        const stored: { group: Waiting[]; outcome: Stored | Problem }[] = []
        for (const group of groups.values())
          stored.push({ group, outcome: await storeUpdates(tx, group, at, this.#limits) })
        return stored
      })
      for (const { group, outcome } of outcomes) this.#answer(group, outcome)
    } catch (error) {
      batch.isOpen = false
      for (const group of groups.values()) for (const { reject } of group) reject(error)
    }
  }

  #answer(group: Waiting[], outcome: Stored | Problem): void {
    const [first] = group
    if (first === undefined) return
    if (outcome instanceof Problem) {
      for (const { reject } of group) reject(outcome)
      return
    }
    this.#onStored(first.documentId, outcome)
    const told = this.#tell(first, group, outcome.seq).then(() => {
      for (const [index, { resolve }] of group.entries()) resolve(outcome.seq + index)
      this.#telling.delete(told)
    })
    this.#telling.add(told)
  }

  async #tell({ documentId, epoch }: Entry, group: Waiting[], seq: number): Promise<void> {
    const updates = group.map(({ from, base64 }): [string, string] => [from, base64])
    try {
      await this.#deps.events.tellRoom(documentId, { kind: 'updates', epoch, seq, updates })
    } catch (error) {
      // They are stored: whoever misses them sees the gap and reads them.
      this.#deps.log.error({ err: error, documentId, epoch, seq }, 'stored updates were not relayed')
    }
  }
}
