import { LRUCache } from 'lru-cache'
import PQueue from 'p-queue'
import { isProblem } from '../../errors.ts'
import { currentEpoch, replaceBySnapshot } from '../../metadata/updates.ts'
import type { Deps } from '../deps.ts'
import type { SharedState, SharedStates } from './shared-states.ts'

/** After a failure a document is left alone for so long. */
const PAUSE_MS = 60_000

/** Puts snapshots in the place of logs, one after the other in the background. */
export class Compactions {
  readonly #deps: Pick<Deps, 'database' | 'log'>
  readonly #states: SharedStates
  readonly #queue = new PQueue({ concurrency: 1 })
  readonly #wanted = new Set<string>()
  /** Those whose state takes long: they hold up no others. */
  readonly #slow = new Map<string, Promise<void>>()
  readonly #paused = new LRUCache<string, true>({ max: 1000, ttl: PAUSE_MS })
  #isClosed = false

  constructor(deps: Pick<Deps, 'database' | 'log'>, states: SharedStates) {
    this.#deps = deps
    this.#states = states
  }

  soon(documentId: string): void {
    if (this.#isClosed || this.#wanted.has(documentId) || this.#paused.has(documentId)) return
    this.#wanted.add(documentId)
    void this.#queue.add(() => {
      this.#wanted.delete(documentId)
      return this.#orPause(documentId, () => this.#compact(documentId))
    })
  }

  async idle(): Promise<void> {
    await this.#queue.onIdle()
    await Promise.all(this.#slow.values())
  }

  /** Gives up what has not begun: it is never needed for anything to last. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#queue.clear()
    await this.idle()
  }

  async #compact(documentId: string): Promise<void> {
    if (this.#slow.has(documentId)) return
    const known = await currentEpoch(this.#deps.database, documentId)
    if (known === undefined || known.last_seq === known.snapshot_seq) return
    const attempt = await this.#states.attempt(documentId)
    if (!('later' in attempt)) return this.#store(documentId, attempt)
    const stored = this.#orPause(documentId, async () => this.#store(documentId, await attempt.later))
    this.#slow.set(documentId, stored)
    void stored.then(() => this.#slow.delete(documentId))
  }

  async #store(documentId: string, { epoch, seq, update, stateVector: vector }: SharedState): Promise<void> {
    await this.#deps.database
      .transaction()
      .execute((tx) => replaceBySnapshot(tx, { documentId, epoch, seq, update, vector }))
  }

  async #orPause(documentId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (isProblem(error, 'shutting-down')) return
      this.#paused.set(documentId, true)
      this.#deps.log.error({ err: error, documentId }, 'the log of shared updates was not compacted')
    }
  }
}
