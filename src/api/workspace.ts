import type { Caller } from '../core/callers.ts'
import type { Deps } from '../core/deps.ts'
import { Problem } from '../errors.ts'
import { hasWorkspace } from '../metadata/api-keys.ts'

/**
 * The administrator in one workspace, where the query of any call names it; clients have theirs.
 *
 * @throws Problem `workspace-not-found`
 */
export async function inWorkspace(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  workspaceId: unknown,
): Promise<Caller> {
  if (caller.kind !== 'administrator' || workspaceId === undefined) return caller
  if (typeof workspaceId !== 'string' || !(await hasWorkspace(database, workspaceId)))
    throw new Problem('workspace-not-found')
  return { ...caller, workspaceId }
}
