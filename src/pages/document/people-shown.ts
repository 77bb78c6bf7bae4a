import { type ActiveUser, activeUsers } from '../../core/collaboration.ts'
import type { Deps } from '../../core/deps.ts'
import { peopleById } from '../../metadata/people.ts'
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
  const known = await peopleById(
    deps.database,
    workspaceId,
    users.map(({ userId }) => userId),
  )
  const names = new Map(known.map((person) => [person.id, person.name]))
  return users.map(({ userId, userName, userColor, source }) => ({
    name: shownTitle(source === 'editor' ? (names.get(userId) ?? userName) : userName),
    color: userColor,
    by: BY[source],
  }))
}
