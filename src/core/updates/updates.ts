import { totalmem } from 'node:os'
import { Problem } from '../../errors.ts'
import type { Tx } from '../../metadata/schema.ts'
import {
  beginEpoch,
  currentEpoch,
  deleteEpoch,
  endEpoch,
  epochsEndedBefore,
  skipEmptyEpoch,
  updatesAfter,
} from '../../metadata/updates.ts'
import type { Deps } from '../deps.ts'
import { AppendQueue, type Entry } from './append-queue.ts'
import { Checks } from './checks.ts'
import { Compactions } from './compactions.ts'
import { memoryLimitMb as defaultMemoryLimitMb } from './memory-limit.ts'
import { demandVector, narrowed } from './narrowed-state.ts'
import { unpackUpdates } from './packed-updates.ts'
import { type SharedState, SharedStates } from './shared-states.ts'
import { type Budget, YjsProcesses } from './yjs-processes.ts'

/** Snapshot and log of one document. */
export const MOST_STATE_BYTES = 64 * 1024 * 1024
/** What takes longer goes on in the process of the slow, so that others need not wait for it. */
const QUICK_LIMIT_MS = 1500
const MOST_WAITING_SLOW = 64
/** A log beyond either is compacted. */
const COMPACTED_UPDATES = 500
const COMPACTED_BYTES = 256 * 1024
const DAY_MS = 24 * 3600_000
const ENDED_EPOCHS_KEPT_MS = 30 * DAY_MS
const PRUNED_AT_ONCE = 100

export type UpdatesOptions = Partial<
  Budget & {
    /** Log at which it is compacted. */
    compactedUpdates: number
    mostStateBytes: number
    /** Documents that may wait for a slow merge. */
    mostWaitingSlow: number
  }
>

type UpdatesDeps = Pick<Deps, 'database' | 'commits' | 'events' | 'clock' | 'log'>

/** The durable log of Yjs updates (V1) behind each document's room. */
export class Updates {
  readonly #database: UpdatesDeps['database']
  readonly #quick: YjsProcesses
  readonly #slow: YjsProcesses
  readonly #checks: Checks
  readonly #states: SharedStates
  readonly #compactions: Compactions
  readonly #queue: AppendQueue
  #isClosed = false

  constructor(
    deps: UpdatesDeps,
    {
      timeLimitMs = 10_000,
      memoryLimitMb = defaultMemoryLimitMb(process.constrainedMemory(), totalmem()),
      compactedUpdates = COMPACTED_UPDATES,
      mostStateBytes = MOST_STATE_BYTES,
      mostWaitingSlow = MOST_WAITING_SLOW,
    }: UpdatesOptions = {},
  ) {
    this.#database = deps.database
    this.#quick = new YjsProcesses({ timeLimitMs: Math.min(timeLimitMs, QUICK_LIMIT_MS), memoryLimitMb })
    this.#slow = new YjsProcesses({ timeLimitMs, memoryLimitMb }, { most: 1 })
    const processes = { quick: this.#quick, slow: this.#slow }
    this.#checks = new Checks(processes)
    this.#states = new SharedStates(deps, processes, mostWaitingSlow)
    this.#compactions = new Compactions(deps, this.#states)
    this.#queue = new AppendQueue(deps, { mostStateBytes }, (documentId, { log }) => {
      if (log.updates >= compactedUpdates || log.bytes >= COMPACTED_BYTES) this.compactSoon(documentId)
    })
  }

  /** Epoch that clients join now and its newest update; the first for a document that nobody has shared yet. */
  async positionOf(documentId: string): Promise<{ epoch: number; seq: number }> {
    const current = await currentEpoch(this.#database, documentId)
    return { epoch: current?.epoch ?? 1, seq: current?.last_seq ?? 0 }
  }

  /**
   * Demands an update that can be applied. Returns at once for a small one.
   *
   * @throws Problem `update-invalid`; `update-too-large`, also when reading it takes too much time or memory;
   *   `too-many-requests`, `storage-unavailable`, `shutting-down`
   */
  check(update: Uint8Array): Promise<void> | void {
    return this.#checks.check(update)
  }

  /**
   * Queues a checked update at once, in the order of calls; its room is told when it is stored.
   *
   * @returns its sequence number, when it is durable
   * @throws Problem `document-restored`: the epoch has ended; `document-not-found`,
   *   `shared-state-too-large`, `too-many-requests`, `shutting-down`
   */
  async append(entry: Entry): Promise<number> {
    if (this.#isClosed) throw new Problem('shutting-down')
    return this.#queue.append(entry)
  }

  /**
   * The epoch under way with everything that was appended before, and what still lacks something.
   *
   * @param vector state vector of somebody who needs only what is not in it
   * @throws Problem `update-invalid` for a vector that cannot be read, `shared-state-too-large`,
   *   `storage-unavailable`, `shutting-down`
   */
  async state(documentId: string, vector?: Uint8Array): Promise<SharedState> {
    if (vector !== undefined) demandVector(vector)
    await this.#queue.settled()
    const state = await this.#states.current(documentId)
    return vector === undefined
      ? state
      : { ...state, update: await narrowed(state.update, vector, this.#quick) }
  }

  /**
   * What fills a gap: the updates after `seq`.
   *
   * @returns undefined when they are not in the log any more, or the epoch is not: then the state is needed
   */
  async since(
    documentId: string,
    epoch: number,
    seq: number,
  ): Promise<{ seq: number; update: Uint8Array }[] | undefined> {
    const rows = await this.#database.transaction().execute(async (tx) => {
      const known = await currentEpoch(tx, documentId)
      const { epoch: current, snapshot_seq } = known ?? { epoch: 1, snapshot_seq: 0 }
      if (current !== epoch || snapshot_seq > seq) return undefined
      return updatesAfter(tx, { documentId, epoch }, seq)
    })
    return rows
      ?.flatMap((row) =>
        unpackUpdates(row.data).map((update, index) => ({ seq: row.seq - row.count + 1 + index, update })),
      )
      .filter((update) => update.seq > seq)
  }

  /** Compacts in the background if there is anything in the log: for when the last one leaves. */
  compactSoon(documentId: string): void {
    if (!this.#isClosed) this.#compactions.soon(documentId)
  }

  /** Resolves when what was appended is told and compaction that was asked for is done. */
  async idle(): Promise<void> {
    await this.#queue.idle()
    await this.#compactions.idle()
  }

  /** Resolves when what was appended is stored; whoever still waits for a state is refused. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#queue.idle()
    await Promise.all([
      this.#states.close(),
      this.#compactions.close(),
      this.#quick.close(),
      this.#slow.close(),
    ])
  }
}

/**
 * Ends the epoch under way, also one that nobody has shared anything in: somebody may have joined it.
 *
 * @returns the new one
 */
export async function startEpoch(tx: Tx, documentId: string, at: string): Promise<number> {
  const skipped = await skipEmptyEpoch(tx, documentId)
  if (skipped !== undefined) return skipped
  // Who joined before anything was shared joined the first.
  const epoch = ((await endEpoch(tx, documentId, at)) ?? 1) + 1
  await beginEpoch(tx, { documentId, epoch })
  return epoch
}

/** Deletes epochs that ended 30 days ago. @returns how many */
export async function pruneEpochs({ database, clock }: Pick<Deps, 'database' | 'clock'>): Promise<number> {
  const before = new Date(clock().getTime() - ENDED_EPOCHS_KEPT_MS).toISOString()
  let pruned = 0
  for (;;) {
    const ended = await epochsEndedBefore(database, before, PRUNED_AT_ONCE)
    if (ended.length === 0) return pruned
    for (const { document_id: documentId, epoch } of ended) {
      await database.transaction().execute((tx) => deleteEpoch(tx, { documentId, epoch }))
      pruned += 1
    }
  }
}
