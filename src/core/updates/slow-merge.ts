import { Problem } from '../../errors.ts'
import type { SharedStateRow, UpdatesRow } from '../../metadata/updates.ts'
import type { Deps } from '../deps.ts'
import { findCulprit } from './find-culprit.ts'
import { JobFailed } from './job-failed.ts'
import { quarantine } from './quarantine.ts'
import type { Answer } from './yjs-jobs.ts'
import type { YjsProcesses } from './yjs-processes.ts'

/** Share of the time limit that is given before an update is blamed. */
const PATIENCE = 2

export type Stored = { state: SharedStateRow; rows: UpdatesRow[] }

/**
 * Merges what could not be merged quickly, or takes what makes it fail out of the log.
 *
 * @param log all of `rows`, packed
 * @returns undefined when something was taken out, so that it is worth another try
 * @throws Problem `shared-state-too-large` when no single update is to blame
 */
export async function mergeSlowly(
  deps: Pick<Deps, 'database' | 'clock' | 'log'>,
  processes: YjsProcesses,
  { state, rows }: Stored,
  log: Uint8Array,
): Promise<Answer<'merge'> | undefined> {
  const { snapshot } = state
  const tryFirst = (first: number | undefined, share: number) =>
    orFailure(processes.run('merge', { snapshot, log, ...(first !== undefined && { first }) }, share))

  const merged = await tryFirst(undefined, PATIENCE)
  if (!(merged instanceof JobFailed)) return merged
  const tooLarge = new Problem('shared-state-too-large', undefined, { cause: merged })
  const count = rows.reduce((sum, row) => sum + row.count, 0)
  const place = await findCulprit(count, async (first) => !((await tryFirst(first, 1)) instanceof JobFailed))
  if (place === undefined) throw tooLarge
  // What only brings a large state over the limit has done nothing wrong.
  const before = await tryFirst(place, 0.5)
  const including = await tryFirst(place + 1, PATIENCE)
  if (before instanceof JobFailed || !(including instanceof JobFailed)) throw tooLarge
  await quarantine(deps, rows, place, including.reason)
  return undefined
}

async function orFailure<T>(job: Promise<T>): Promise<T | JobFailed> {
  try {
    return await job
  } catch (error) {
    if (error instanceof JobFailed) return error
    throw error
  }
}
