import * as Y from 'yjs'
import { isProblem, type ProblemCode } from '../../errors.ts'
import { checkUpdate } from './check-update.ts'
import { mergeUpdates } from './merge-updates.ts'
import { unpackUpdates } from './packed-updates.ts'

/** What is done in another process: see yjs-processes.ts. */
const JOBS = {
  check: checkUpdate,
  merge: ({ snapshot, log, first }: Log) => mergeUpdates(snapshot, unpackUpdates(log).slice(0, first)),
  narrow: ({ update, vector }: { update: Uint8Array; vector: Uint8Array }) => Y.diffUpdate(update, vector),
}

export type Log = {
  snapshot: Uint8Array | null
  /** As of `packUpdates`. */
  log: Uint8Array
  /** So many of the log's updates; all without it. */
  first?: number
}

export type JobName = keyof typeof JOBS
export type Asked<N extends JobName> = Parameters<(typeof JOBS)[N]>[0]
export type Answer<N extends JobName> = ReturnType<(typeof JOBS)[N]>

export type Reply =
  | { answer: unknown; problem?: undefined; error?: undefined }
  | { problem: ProblemCode; error?: undefined }
  | { problem?: undefined; error: string }

export function doJob<N extends JobName>({ name, asked }: { name: N; asked: Asked<N> }): Reply {
  try {
    return { answer: (JOBS[name] as (asked: Asked<N>) => Answer<N>)(asked) }
  } catch (error) {
    if (isProblem(error)) return { problem: error.code }
    return { error: error instanceof Error ? error.name : 'Error' }
  }
}
