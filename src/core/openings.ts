import { LRUCache } from 'lru-cache'
import type { DocumentRow } from '../metadata/schema.ts'
import { recordActivity } from './activity.ts'
import type { User } from './callers.ts'
import type { Deps } from './deps.ts'
import { notePerson } from './people.ts'

/** Reloads and the editor's own requests for a new config are the same opening. */
const ONE_OPENING_MS = 5 * 60_000

/** When a user last opened a document, in milliseconds. */
export type Openings = LRUCache<string, number>

export function createOpenings(): Openings {
  return new LRUCache({ max: 10_000 })
}

/**
 * Records an opening, once in five minutes for a user and document. Nobody waits for it.
 *
 * @param isPerson the workspace's client named the user: it knows them from now on
 */
export function noteOpening(
  { commits, clock, openings, log }: Pick<Deps, 'commits' | 'clock' | 'openings' | 'log'>,
  document: Pick<DocumentRow, 'id' | 'workspace_id'>,
  { user, mode, isPerson }: { user: User; mode: string; isPerson: boolean },
): void {
  const now = clock()
  const opening = JSON.stringify([document.id, user.id])
  const last = openings.get(opening)
  if (last !== undefined && now.getTime() - last < ONE_OPENING_MS) return
  openings.set(opening, now.getTime())
  const done = {
    workspaceId: document.workspace_id,
    documentId: document.id,
    actor: user,
    action: 'opened' as const,
    at: now.toISOString(),
    detail: { mode },
  }
  commits
    .run(async (tx) => {
      await recordActivity(tx, done)
      if (isPerson) await notePerson(tx, document.workspace_id, user, done.at)
    })
    .catch((error: unknown) => {
      openings.delete(opening)
      log.error({ err: error, document: document.id }, 'opening not recorded')
    })
}
