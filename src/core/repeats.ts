import { randomUUIDv7 } from 'node:crypto'
import { Problem } from '../errors.ts'
import {
  deleteRequestKey,
  findRequestKey,
  insertRequestKey,
  noteAnswer,
  pruneRequestKeys,
} from '../metadata/request-keys.ts'
import { createSeal } from '../secrets.ts'
import type { Deps } from './deps.ts'
import { afterSeconds } from './sessions.ts'

/** A request may be sent again for this long. */
const KEPT_S = 24 * 3600

export type StoredAnswer = { status: number; json: unknown }
export type RepeatableRequest = {
  callerId: string
  key: string
  /** Tells another request that was given the same key. */
  fingerprint: string
}

/**
 * Runs requests once, however often they are sent. The id of what a request makes is noted before it
 * runs: one that a crash cut off runs again with the same id, and finds what it had made already.
 */
export function createRepeats(
  { database, clock, locks }: Pick<Deps, 'database' | 'clock' | 'locks'>,
  rootSecret: string,
) {
  const seal = createSeal(rootSecret, 'request-keys')

  /** @throws Problem `idempotency-key-in-use`, `idempotency-key-reused`; whatever `make` throws, and then it may be sent again */
  async function run(
    request: RepeatableRequest,
    make: (resourceId: string) => Promise<StoredAnswer>,
  ): Promise<{ answer: StoredAnswer; isRepeated: boolean }> {
    const name = `request ${request.callerId} ${request.key}`
    const done = await locks.tryRun(name, async () => {
      const claimed = await claim(request)
      if ('answer' in claimed) return { answer: claimed.answer, isRepeated: true }
      const answer = await makeAnswer(request, () => make(claimed.resourceId))
      return { answer, isRepeated: false }
    })
    if (done === undefined) throw new Problem('idempotency-key-in-use', undefined, { retryAfterS: 1 })
    return done.value
  }

  async function claim(
    request: RepeatableRequest,
  ): Promise<{ answer: StoredAnswer } | { resourceId: string }> {
    const now = clock()
    return database.transaction().execute(async (tx) => {
      const found = await findRequestKey(tx, request)
      const isOver = found !== undefined && found.created_at < afterSeconds(now, -KEPT_S)
      if (found === undefined || isOver) {
        if (isOver) await deleteRequestKey(tx, request)
        const { callerId: caller_id, key, fingerprint } = request
        const resource_id = randomUUIDv7()
        await insertRequestKey(tx, {
          caller_id,
          key,
          fingerprint,
          resource_id,
          created_at: now.toISOString(),
        })
        return { resourceId: resource_id }
      }
      if (found.fingerprint !== request.fingerprint) throw new Problem('idempotency-key-reused')
      if (found.status === null || found.answer === null) return { resourceId: found.resource_id }
      return { answer: { status: found.status, json: JSON.parse(seal.open(found.answer)) } }
    })
  }

  async function makeAnswer(
    request: RepeatableRequest,
    make: () => Promise<StoredAnswer>,
  ): Promise<StoredAnswer> {
    let answer: StoredAnswer
    try {
      answer = await make()
    } catch (error) {
      await deleteRequestKey(database, request)
      throw error
    }
    const text = JSON.stringify(answer.json ?? null)
    await noteAnswer(database, { ...request, status: answer.status, answer: seal.close(text) })
    return answer
  }

  return { run, newId: (): string => randomUUIDv7() }
}

/** Forgets requests that are not repeatable any more. */
export async function pruneRepeats({ database, clock }: Pick<Deps, 'database' | 'clock'>): Promise<void> {
  await pruneRequestKeys(database, afterSeconds(clock(), -KEPT_S))
}
