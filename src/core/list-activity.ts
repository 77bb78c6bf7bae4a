import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import { deleteActivityBefore, listActivity as listRows } from '../metadata/activity.ts'
import { hasWorkspace } from '../metadata/api-keys.ts'
import type { ActivityRow } from '../metadata/schema.ts'
import { deleteFinished, failOld } from '../metadata/webhook-deliveries.ts'
import { type Action, firstIdAt } from './activity.ts'
import { type Caller, demand, workspaceOf } from './callers.ts'
import type { Deps } from './deps.ts'

const EXPORTED_AT_ONCE = 1000
const PRUNED_AT_ONCE = 1000
const DAY_MS = 24 * 3600_000
const DELIVERED_KEPT_MS = 7 * DAY_MS
const FAILED_KEPT_MS = 30 * DAY_MS
/** All attempts together take two days. */
const WAITING_KEPT_MS = 4 * DAY_MS

/** ISO 8601 times, `from` inclusive and `to` exclusive. */
export type Period = { from?: string | undefined; to?: string | undefined }

export type ActivityWanted = Period & {
  /** For the administrator; a client sees its own alone. */
  workspaceId?: string | undefined
  documentId?: string | undefined
  action?: Action | undefined
  take: number
  /** Id of the last one of the page before. */
  cursor?: string | undefined
}

/** Newest first. @throws Problem `permission-missing`, `workspace-not-found` */
export async function listActivity(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  { workspaceId, documentId, action, from, to, take, cursor }: ActivityWanted,
): Promise<{ activity: ActivityRow[]; nextCursor: string | undefined }> {
  demand(caller, 'documents:read')
  const own = workspaceOf(caller)
  const isForeign = workspaceId !== undefined && own !== undefined && workspaceId !== own
  if (isForeign || (workspaceId !== undefined && !(await hasWorkspace(database, workspaceId))))
    throw new Problem('workspace-not-found')
  const before = [to === undefined ? undefined : firstIdAt(to), cursor].filter((id) => id !== undefined)
  const rows = await listRows(database, {
    workspaceId: own ?? workspaceId,
    documentId,
    action,
    fromId: from === undefined ? undefined : firstIdAt(from),
    beforeId: before.sort()[0],
    isNewestFirst: true,
    take: take + 1,
  })
  const activity = rows.slice(0, take)
  return { activity, nextCursor: rows.length > take ? activity.at(-1)?.id : undefined }
}

/** Oldest first, in pages, so that memory does not grow with their number. @throws Problem `permission-missing` */
export async function* exportActivity(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  { from, to }: Period,
): AsyncGenerator<ActivityRow[]> {
  demand(caller, 'documents:read')
  let afterId: string | undefined
  for (;;) {
    const rows = await listRows(database, {
      workspaceId: workspaceOf(caller),
      fromId: from === undefined ? undefined : firstIdAt(from),
      beforeId: to === undefined ? undefined : firstIdAt(to),
      afterId,
      isNewestFirst: false,
      take: EXPORTED_AT_ONCE,
    })
    if (rows.length > 0) yield rows
    if (rows.length < EXPORTED_AT_ONCE) return
    afterId = rows.at(-1)?.id
  }
}

/** Forgets what is older than `AUDIT_DAYS`, and deliveries that were finished long ago. */
export async function pruneActivity({
  database,
  clock,
  config,
}: Pick<Deps, 'database' | 'clock' | 'config'>): Promise<void> {
  const now = clock()
  const ago = (ms: number) => new Date(now.getTime() - ms).toISOString()
  const most = PRUNED_AT_ONCE
  const oldest = firstIdAt(ago(config.AUDIT_DAYS * DAY_MS))
  await repeat(() => deleteActivityBefore(database, oldest, most))
  await repeat(() => deleteFinished(database, { state: 'delivered', before: ago(DELIVERED_KEPT_MS), most }))
  await repeat(() => deleteFinished(database, { state: 'failed', before: ago(FAILED_KEPT_MS), most }))
  const waited = { beforeId: firstIdAt(ago(WAITING_KEPT_MS)), error: 'not delivered within four days' }
  await repeat(() => failOld(database, { ...waited, now: now.toISOString(), most }))
}

/** Requests get their turn between two portions. */
async function repeat(portion: () => Promise<number>): Promise<void> {
  while ((await portion()) === PRUNED_AT_ONCE) await nextTurn()
}
