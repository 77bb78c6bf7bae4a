import { Problem } from '../errors.ts'
import { findWorkspace, listWorkspaces, type Workspace } from '../metadata/workspaces.ts'
import type { Deps } from './deps.ts'

/** Each API key may have one of its own: a list of all could be endless. */
const MOST_LISTED = 50

/**
 * The workspaces to choose from, the default one first, and always the one that is looked at.
 *
 * @throws Problem `workspace-not-found`
 */
export async function workspacesAround(
  { database }: Pick<Deps, 'database'>,
  id: string,
): Promise<{ workspace: Workspace; workspaces: Workspace[] }> {
  const workspaces = await listWorkspaces(database, MOST_LISTED)
  const listed = workspaces.find((one) => one.id === id)
  const workspace = listed ?? (await findWorkspace(database, id))
  if (workspace === undefined) throw new Problem('workspace-not-found')
  return { workspace, workspaces: listed === undefined ? [...workspaces, workspace] : workspaces }
}
