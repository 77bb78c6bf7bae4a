import { isProblem } from '../../errors.ts'
import type { ThumbnailRow } from '../../metadata/schema.ts'
import { claimThumbnail, deleteClaimed, headWithBytes, updateClaimed } from '../../metadata/thumbnails.ts'
import type { Deps } from '../deps.ts'
import { afterSeconds } from '../sessions.ts'
import { canBeDrawn, type DrawDeps, drawFirstPage } from './draw.ts'

/** Longer than drawing takes, with its wait behind other conversions; after that another process may take over. */
const LEASE_S = 300
/** After what passes by itself. */
const RETRY_AFTER_S = [30, 120, 600]
const PASSING = [
  'document-server-failed',
  'download-failed',
  'download-refused',
  'conversion-busy',
  'storage-unavailable',
] as const

type QueueDeps = DrawDeps & Pick<Deps, 'database' | 'clock'>

/**
 * Draws the first pages that are wanted, one after the other. Each is claimed before and noted after: what a
 * stopped process leaves in between is drawn again, but no more often than what fails.
 */
export class ThumbnailQueue {
  readonly #deps: QueueDeps
  readonly #stop: AbortSignal
  #drawing: Promise<void> | undefined
  #claimed: ThumbnailRow | undefined

  constructor(deps: QueueDeps, stop: AbortSignal) {
    this.#deps = deps
    this.#stop = stop
  }

  /** Begins with what is due and does not wait for it. */
  async startDue(): Promise<void> {
    if (this.#drawing !== undefined) return
    this.#drawing = this.#drawAll()
      .catch((error: unknown) => {
        // After the stop the database may be closed, and the row has been put back.
        if (this.#stop.aborted) return
        this.#deps.log.error({ err: error }, 'thumbnails not noted, drawn again')
      })
      .finally(() => {
        this.#drawing = undefined
      })
  }

  /** Resolves once nothing is due. After the stop it leaves what is being drawn to the next process. */
  async idle(): Promise<void> {
    if (this.#stop.aborted) {
      if (this.#claimed !== undefined) await this.#putBack(this.#claimed)
      return
    }
    await this.startDue()
    await this.#drawing
  }

  async #drawAll(): Promise<void> {
    const { database, clock } = this.#deps
    while (!this.#stop.aborted) {
      const now = clock()
      const until = afterSeconds(now, LEASE_S)
      const claimed = await claimThumbnail(database, { now: now.toISOString(), until })
      if (claimed === undefined) return
      this.#claimed = claimed
      await this.#draw(claimed)
      this.#claimed = undefined
    }
  }

  async #draw(claimed: ThumbnailRow): Promise<void> {
    const { database, clock, log } = this.#deps
    const head = await headWithBytes(database, claimed)
    // The document went on, or what would have drawn it is gone.
    if (head === undefined || !canBeDrawn(this.#deps, { ...claimed, size: head.size })) {
      return deleteClaimed(database, claimed)
    }
    const end = { next_attempt_at: null, updated_at: clock().toISOString() }
    // Processes ended over it before.
    if (claimed.attempts > RETRY_AFTER_S.length + 1) {
      return updateClaimed(database, claimed, { ...end, error: 'interrupted' })
    }
    try {
      const { sha256, size } = await drawFirstPage(this.#deps, claimed, head)
      await updateClaimed(database, claimed, { ...end, sha256, size, error: null })
    } catch (error) {
      if (isProblem(error, 'shutting-down')) return this.#putBack(claimed)
      const retryS = isProblem(error, ...PASSING) ? RETRY_AFTER_S[claimed.attempts - 1] : undefined
      const next = retryS === undefined ? null : afterSeconds(clock(), retryS)
      const code = isProblem(error) ? error.code : 'internal'
      await updateClaimed(database, claimed, { ...end, error: code, next_attempt_at: next })
      log.warn({ err: error, documentId: head.document_id, isGivenUp: next === null }, 'first page not drawn')
    }
  }

  #putBack(claimed: ThumbnailRow): Promise<void> {
    const next_attempt_at = this.#deps.clock().toISOString()
    return updateClaimed(this.#deps.database, claimed, { attempts: claimed.attempts - 1, next_attempt_at })
  }
}
