import { LRUCache } from 'lru-cache'
import PQueue from 'p-queue'
import { Problem } from '../../errors.ts'
import type { Database } from '../../metadata/schema.ts'
import { currentEpoch, currentState, updatesAfter } from '../../metadata/updates.ts'
import type { Deps } from '../deps.ts'
import { JobFailed } from './job-failed.ts'
import { joinPacked, NO_UPDATE } from './packed-updates.ts'
import { quarantine } from './quarantine.ts'
import { mergeSlowly, type Stored } from './slow-merge.ts'
import type { Answer } from './yjs-jobs.ts'
import type { YjsProcesses } from './yjs-processes.ts'

const CACHE_BYTES = 64 * 1024 * 1024
/** States that are read and merged at once; each may take some times its size. */
const MERGED_AT_ONCE = 2
const SLOW_RETRY_AFTER_S = 30
/** So long a document is known to be slow. */
const SLOW_FOR_MS = 10 * 60_000
/** Updates that are taken out of the way for one request. */
const MOST_CULPRITS = 20

export type SharedState = {
  epoch: number
  /** Of the last update it holds. */
  seq: number
  /** Yjs update V1. */
  update: Uint8Array
  stateVector: Uint8Array
}

/** `later`: it takes long, and others need not wait for it. */
export type Attempt = SharedState | { later: Promise<SharedState> }

/** State vector of an empty document. */
const NO_VECTOR = new Uint8Array([0])
const NOTHING: SharedState = { epoch: 1, seq: 0, update: NO_UPDATE, stateVector: NO_VECTOR }

type Merge = (stored: Stored, log: Uint8Array) => Promise<Answer<'merge'> | undefined>

/**
 * What the epochs under way have become, merged in other processes and kept while there is room. Each is
 * first tried with a small budget; what takes more waits for the one process of the slow.
 */
export class SharedStates {
  readonly #deps: Pick<Deps, 'database' | 'clock' | 'log'>
  readonly #mergeQuickly: Merge
  readonly #mergeSlowly: Merge
  readonly #mostWaitingSlow: number
  readonly #cache = new LRUCache<string, SharedState>({
    maxSize: CACHE_BYTES,
    sizeCalculation: ({ update, stateVector }) => update.byteLength + stateVector.byteLength,
  })
  readonly #quick = new PQueue({ concurrency: MERGED_AT_ONCE })
  readonly #slow = new PQueue({ concurrency: 1 })
  /** Those that have not begun. */
  readonly #upcoming = new Map<string, Promise<Attempt>>()
  readonly #upcomingSlow = new Map<string, Promise<SharedState>>()
  readonly #knownSlow = new LRUCache<string, true>({ max: 10_000, ttl: SLOW_FOR_MS })
  #isClosed = false

  constructor(
    deps: Pick<Deps, 'database' | 'clock' | 'log'>,
    { quick, slow }: { quick: YjsProcesses; slow: YjsProcesses },
    mostWaitingSlow: number,
  ) {
    this.#deps = deps
    this.#mostWaitingSlow = mostWaitingSlow
    this.#mergeQuickly = async ({ state: { snapshot } }, log) => {
      try {
        return await quick.run('merge', { snapshot, log })
      } catch (error) {
        if (error instanceof JobFailed) return undefined
        throw error
      }
    }
    this.#mergeSlowly = (stored, log) => mergeSlowly(deps, slow, stored, log)
  }

  /**
   * The state with everything that is stored by now; those who ask before it is read share the answer.
   *
   * @throws Problem `shared-state-too-large`, `storage-unavailable`, `shutting-down`
   */
  async current(documentId: string): Promise<SharedState> {
    const attempt = await this.attempt(documentId)
    return 'later' in attempt ? attempt.later : attempt
  }

  attempt(documentId: string): Promise<Attempt> {
    if (this.#knownSlow.has(documentId)) return Promise.resolve({ later: this.#later(documentId) })
    const upcoming = this.#upcoming.get(documentId)
    if (upcoming !== undefined) return upcoming
    const attempt = Promise.resolve().then(() =>
      this.#quick.add(async () => {
        this.#upcoming.delete(documentId)
        const state = await this.#read(documentId, this.#mergeQuickly)
        if (state !== undefined) return state
        this.#knownSlow.set(documentId, true)
        return { later: this.#later(documentId) }
      }),
    )
    this.#upcoming.set(documentId, attempt)
    return attempt
  }

  /** Refuses what waits, with `shutting-down`; what is being merged ends with its process. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#quick.onIdle()
    await this.#slow.onIdle()
  }

  #later(documentId: string): Promise<SharedState> {
    const upcoming = this.#upcomingSlow.get(documentId)
    if (upcoming !== undefined) return upcoming
    if (this.#slow.size >= this.#mostWaitingSlow)
      return Promise.reject(
        new Problem('storage-unavailable', undefined, { retryAfterS: SLOW_RETRY_AFTER_S }),
      )
    const state = this.#readSlowly(documentId)
    this.#upcomingSlow.set(documentId, state)
    return state
  }

  async #readSlowly(documentId: string): Promise<SharedState> {
    for (let culprits = 0; culprits <= MOST_CULPRITS; culprits += 1) {
      // After each update that was taken out others have their turn.
      const state = await this.#slow.add(() => {
        this.#upcomingSlow.delete(documentId)
        return this.#read(documentId, this.#mergeSlowly)
      })
      if (state === undefined) continue
      this.#knownSlow.delete(documentId)
      return state
    }
    throw new Error('too many shared updates cannot be applied')
  }

  /** @returns undefined when `merge` gives nothing */
  async #read(documentId: string, merge: Merge): Promise<SharedState | undefined> {
    if (this.#isClosed) throw new Problem('shutting-down')
    const { database } = this.#deps
    const known = await currentEpoch(database, documentId)
    if (known === undefined) return NOTHING
    const cached = this.#cache.get(`${documentId}:${known.epoch}:${known.last_seq}`)
    if (cached !== undefined) return cached
    const stored = await readStored(database, documentId)
    if (stored === undefined) return NOTHING
    const state = await this.#stateOf(stored, merge)
    if (state !== undefined) this.#cache.set(`${documentId}:${state.epoch}:${state.seq}`, state)
    return state
  }

  async #stateOf(stored: Stored, merge: Merge): Promise<SharedState | undefined> {
    const { rows } = stored
    const { epoch, last_seq: seq, snapshot, snapshot_vector: vector } = stored.state
    if (rows.length === 0)
      return { epoch, seq, update: snapshot ?? NO_UPDATE, stateVector: vector ?? NO_VECTOR }
    const merged = await merge(stored, joinPacked(rows.map(({ data }) => data)))
    if (merged === undefined) return undefined
    for (const place of merged.unusable) await quarantine(this.#deps, rows, place, 'error')
    return { epoch, seq, update: merged.update, stateVector: merged.stateVector }
  }
}

/** Both in one transaction: compaction moves from one to the other. */
function readStored(database: Database, documentId: string): Promise<Stored | undefined> {
  return database.transaction().execute(async (tx) => {
    const state = await currentState(tx, documentId)
    if (state === undefined) return undefined
    const rows = await updatesAfter(tx, { documentId, epoch: state.epoch }, state.snapshot_seq)
    return { state, rows }
  })
}
