import { documentById } from '../../metadata/documents.ts'
import { claimRemoteFile, dueRemoteFiles } from '../../metadata/remote-files.ts'
import { type Claimed, DueWork } from '../due-work.ts'
import { afterSeconds } from '../sessions.ts'
import { type AttemptDeps, attemptDelivery, sendingLimitMs } from './attempt.ts'

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
  readonly #work: DueWork

  constructor(deps: AttemptDeps, stop: AbortSignal) {
    this.#deps = deps
    this.#stop = stop
    const claim = (_room: number, busy: string[]) => this.#claim(busy)
    this.#work = new DueWork({ most: IN_FLIGHT, mostEach: IN_FLIGHT_PER_KEY, stop, claim })
  }

  /** Starts what is due, as far as there is room; a quiet round only reads. */
  startDue(): Promise<void> {
    return this.#work.startDue()
  }

  /** Resolves once nothing is due and nothing under way, or after the stop. */
  idle(): Promise<void> {
    return this.#work.idle()
  }

  /** One at a time: how long it is claimed for depends on its size. */
  async #claim(busy: string[]): Promise<Claimed[] | undefined> {
    const { database, clock, log } = this.#deps
    const at = clock()
    const now = at.toISOString()
    const [next] = await dueRemoteFiles(database, { now, busy, most: 1 })
    if (next === undefined) return undefined
    const { size } = await documentById(database, next.document_id)
    const until = afterSeconds(at, LOOKING_S + sendingLimitMs(size) / 1000)
    const row = await claimRemoteFile(database, next.document_id, { now, until })
    if (row === undefined) return []
    const attempt = () =>
      attemptDelivery(this.#deps, row, this.#stop).catch((error: unknown) => {
        log.error({ err: error, document: row.document_id }, 'end of a delivery not noted, made again')
      })
    return [{ owner: row.api_key_id, attempt }]
  }
}
