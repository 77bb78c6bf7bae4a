import { setImmediate as nextTurn } from 'node:timers/promises'
import { Problem } from '../errors.ts'
import { type FolderCount, foldersBelow, moveSome } from '../metadata/folders.ts'
import { DEFAULT_WORKSPACE_ID } from '../metadata/schema.ts'
import { recordActivity } from './activity.ts'
import { authorOf, type Caller, demand, workspaceOf } from './callers.ts'
import type { Deps } from './deps.ts'

/** Characters (Unicode code points). */
export const MAX_FOLDER_LENGTH = 1000
const MAX_NAME_LENGTH = 255
const MAX_DEPTH = 32
/** Documents. */
const AT_ONCE = 1000

/** `a//b/` → `/a/b`. @returns undefined for a path with `.`, `..`, control characters or beyond the limits */
export function normalizedFolder(given: string): string | undefined {
  const names = given
    .toWellFormed()
    .split('/')
    .filter((name) => name !== '')
  const isGood =
    names.length <= MAX_DEPTH &&
    names.every(
      (name) => name !== '.' && name !== '..' && [...name].length <= MAX_NAME_LENGTH && !/\p{Cc}/u.test(name),
    )
  const path = `/${names.join('/')}`
  return isGood && [...path].length <= MAX_FOLDER_LENGTH ? path : undefined
}

/**
 * The folders directly in one: a folder exists while a document lies in it or below it.
 *
 * @returns `count`: documents in the folder and everything below it
 * @throws Problem `permission-missing`
 */
export async function listFolders(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  parent: string,
): Promise<FolderCount[]> {
  demand(caller, 'documents:read')
  const below = await foldersBelow(database, { workspaceId: workspaceOf(caller), path: parent })
  const prefix = parent === '/' ? '/' : `${parent}/`
  const counts = new Map<string, number>()
  for (const { folder, count } of below) {
    if (folder === parent || folder === '/') continue
    const [name = ''] = folder.slice(prefix.length).split('/', 1)
    counts.set(prefix + name, (counts.get(prefix + name) ?? 0) + count)
  }
  return [...counts].map(([folder, count]) => ({ folder, count }))
}

/**
 * Moves a folder with everything below it; what is at the target already stays there beside it. Large
 * ones move in portions, so that nobody waits for them: cut short, the rest stays where it was.
 *
 * @returns how many documents moved
 * @throws Problem `permission-missing`, `validation-failed` for a target inside the folder itself or a path too long
 */
export async function moveFolder(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  { from, to }: { from: string; to: string },
): Promise<number> {
  demand(caller, 'documents:write')
  if (from === '/' || to === from || to.startsWith(`${from}/`)) {
    throw new Problem('validation-failed', undefined, {
      errors: { to: ['a folder cannot move into itself'] },
    })
  }
  const workspaceId = workspaceOf(caller) ?? DEFAULT_WORKSPACE_ID
  const below = await foldersBelow(database, { workspaceId, path: from })
  const tooLong = below.some(({ folder }) => normalizedFolder(to + folder.slice(from.length)) === undefined)
  if (tooLong) {
    throw new Problem('validation-failed', undefined, { errors: { to: ['the paths would become too long'] } })
  }
  const now = clock().toISOString()
  let moved = 0
  for (let more = AT_ONCE; more === AT_ONCE; moved += more) {
    more = await database
      .transaction()
      .execute((tx) => moveSome(tx, { workspaceId, from, to, now, most: AT_ONCE }))
    await nextTurn()
  }
  const actor = authorOf(caller)
  const detail = { from, to, documents: moved }
  await database
    .transaction()
    .execute((tx) =>
      recordActivity(tx, { workspaceId, documentId: null, actor, action: 'moved', at: now, detail }),
    )
  return moved
}
