import { Problem } from '../../errors.ts'
import { checkUpdate } from './check-update.ts'
import { JobFailed } from './job-failed.ts'
import type { YjsProcesses } from './yjs-processes.ts'

/** One update, and what a commit takes. */
export const MOST_UPDATE_BYTES = 4 * 1024 * 1024
/** What is so small is looked at at once. */
const SMALL_BYTES = 16 * 1024
const MOST_WAITING = 64

/** Looks at updates before they are stored, large ones in another process. */
export class Checks {
  readonly #quick: YjsProcesses
  readonly #slow: YjsProcesses

  constructor({ quick, slow }: { quick: YjsProcesses; slow: YjsProcesses }) {
    this.#quick = quick
    this.#slow = slow
  }

  /** As `Updates.check`. */
  check(update: Uint8Array): Promise<void> | void {
    if (update.byteLength > MOST_UPDATE_BYTES) throw new Problem('update-too-large')
    if (update.byteLength <= SMALL_BYTES) return checkUpdate(update)
    return this.#run(this.#quick, update)
  }

  async #run(processes: YjsProcesses, update: Uint8Array): Promise<void> {
    if (processes.waiting >= MOST_WAITING)
      throw new Problem('too-many-requests', undefined, { retryAfterS: 1 })
    try {
      await processes.run('check', update)
    } catch (error) {
      if (!(error instanceof JobFailed)) throw error
      if (error.reason === 'error') throw new Problem('update-invalid', undefined, { cause: error })
      if (error.reason === 'time' && processes !== this.#slow) return this.#run(this.#slow, update)
      throw new Problem('update-too-large', 'the update takes too long or too much memory to be read', {
        cause: error,
      })
    }
  }
}
