import { type ActiveUser, activeUsers } from '../../core/collaboration.ts'
import type { Deps } from '../../core/deps.ts'
import { editorNames } from '../../core/editor-names.ts'
import type { DocumentRow } from '../../metadata/schema.ts'
import { shownTitle } from '../files/shown.ts'

const BY: Record<ActiveUser['source'], string> = {
  editor: 'in the editor',
  hub: 'connected to the hub',
  api: 'in another application',
}

/** Who has a document open now, and by what. Document Server knows ids alone: the workspace knows names. */
export async function peopleShown(
  deps: Pick<Deps, 'database' | 'clock'>,
  { id, workspace_id: workspaceId }: DocumentRow,
) {
  const users = await activeUsers(deps, id)
  const editing = users
    .filter(({ source }) => source === 'editor')
    .map(({ userId }) => ({ documentId: id, userId }))
  const names = await editorNames(deps.database, workspaceId, editing)
  return users.map(({ userId, userName, userColor, source }) => ({
    name: shownTitle(source === 'editor' ? (names.get(userId) ?? userName) : userName),
    color: userColor,
    by: BY[source],
  }))
}
