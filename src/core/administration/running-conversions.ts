import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Deps } from '../deps.ts'

/** Kept apart from every result. */
const RUNNING = Symbol('running')

export type RunningConversion = { from: string; to: string }

/** What is being converted now. Those that failed are told to whoever asked for them, and forgotten. */
export async function runningConversions({
  knownConversions,
}: Pick<Deps, 'knownConversions'>): Promise<RunningConversion[]> {
  const known = await Promise.all(
    [...knownConversions.entries()].map(async ([name, conversion]) => {
      const state = await Promise.race([conversion.catch(() => undefined), nextTurn(RUNNING)])
      const [, from = '', to = ''] = name.split(' ')
      return state === RUNNING ? [{ from, to }] : []
    }),
  )
  return known.flat()
}
