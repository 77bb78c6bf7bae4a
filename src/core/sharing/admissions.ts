import { LRUCache } from 'lru-cache'
import { noteAdmission as noteRow } from '../../metadata/admissions.ts'
import type { Deps } from '../deps.ts'

/** Each note is a durable write; what let somebody in is good for longer. */
const NOTED_FOR_MS = 5 * 60_000

/** Noted lately. */
export type KnownAdmissions = LRUCache<string, true>

export function createKnownAdmissions(): KnownAdmissions {
  return new LRUCache({ max: 50_000, ttl: NOTED_FOR_MS })
}

/** Remembers by what a user was let in to a session, so that taking it back can drop them. Nobody waits for it. */
export function noteAdmission(
  { commits, clock, admissions, log }: Pick<Deps, 'commits' | 'clock' | 'admissions' | 'log'>,
  {
    sessionKey,
    userId,
    by,
    mayEdit,
    expiresAt,
  }: {
    sessionKey: string
    userId: string
    by: string | undefined
    mayEdit: boolean
    expiresAt: string | undefined
  },
): void {
  if (by === undefined) return
  const name = JSON.stringify([sessionKey, userId, by, mayEdit])
  if (admissions.has(name)) return
  admissions.set(name, true)
  const row = {
    session_key: sessionKey,
    user_id: userId,
    by,
    may_edit: mayEdit ? 1 : 0,
    at: clock().toISOString(),
    expires_at: expiresAt ?? null,
  }
  commits
    .run((tx) => noteRow(tx, row))
    .catch((error: unknown) => {
      admissions.delete(name)
      log.error({ err: error, key: sessionKey }, 'admission not noted')
    })
}
