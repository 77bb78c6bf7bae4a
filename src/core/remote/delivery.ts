import { documentById } from '../../metadata/documents.ts'
import { claimRemoteFile, dueRemoteFiles } from '../../metadata/remote-files.ts'
import type { RemoteFileRow } from '../../metadata/schema.ts'
import { afterSeconds } from '../sessions.ts'
import { type AttemptDeps, attemptDelivery, sendingLimitMs } from './attempt.ts'

/** One slow receiver leaves room for others. */
const IN_FLIGHT = 8
const IN_FLIGHT_PER_KEY = 2
/** For looking at their side and for what they have changed. */
const LOOKING_S = 180

/**
 * Delivers what was saved here to where it is kept. What is due stands in rows: an attempt is claimed before
 * it is made, so that each document has one under way at most, and a stopped process loses none.
 */
export class RemoteDeliveries {
  readonly #deps: AttemptDeps
  readonly #stop: AbortSignal
  readonly #inFlight = new Map<string, number>()
  readonly #attempts = new Set<Promise<void>>()
  #starting: Promise<void> | undefined
  /** Room was made while the last look was under way, which may not have seen it. */
  #isLookWanted = false

  constructor(deps: AttemptDeps, stop: AbortSignal) {
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
      await Promise.all(this.#attempts)
    } while (this.#attempts.size > 0 || this.#starting !== undefined)
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
    while (!this.#stop.aborted && this.#attempts.size < IN_FLIGHT) {
      const now = clock()
      const [next] = await dueRemoteFiles(database, { now: now.toISOString(), busy: this.#busy(), most: 1 })
      if (next === undefined) return
      const { size } = await documentById(database, next.document_id)
      const claimed = await claimRemoteFile(database, next.document_id, {
        now: now.toISOString(),
        until: afterSeconds(now, LOOKING_S + sendingLimitMs(size) / 1000),
      })
      if (claimed !== undefined) this.#start(claimed)
    }
  }

  #busy(): string[] {
    return [...this.#inFlight].filter(([, count]) => count >= IN_FLIGHT_PER_KEY).map(([id]) => id)
  }

  #start(row: RemoteFileRow): void {
    const { api_key_id: id } = row
    this.#inFlight.set(id, (this.#inFlight.get(id) ?? 0) + 1)
    const done = attemptDelivery(this.#deps, row, this.#stop)
      .catch((error: unknown) => {
        this.#deps.log.error(
          { err: error, document: row.document_id },
          'end of a delivery not noted, made again',
        )
      })
      .finally(() => {
        const left = (this.#inFlight.get(id) ?? 1) - 1
        if (left === 0) this.#inFlight.delete(id)
        else this.#inFlight.set(id, left)
        this.#attempts.delete(done)
        if (!this.#stop.aborted) this.startDue().catch(() => {})
      })
    this.#attempts.add(done)
  }
}
