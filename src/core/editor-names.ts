import { actorNames } from '../metadata/activity.ts'
import { peopleById } from '../metadata/people.ts'
import type { Database } from '../metadata/schema.ts'

/**
 * Names of users of whom Document Server knows only ids: as the workspace knows them, else (a guest, the
 * administrator) as they were called when they opened the document.
 */
export async function editorNames(
  database: Database,
  workspaceId: string,
  editing: { documentId: string; userId: string }[],
): Promise<Map<string, string>> {
  const ids = [...new Set(editing.map(({ userId }) => userId))]
  const people = await peopleById(database, workspaceId, ids)
  const names = new Map(people.map(({ id, name }) => [id, name]))
  const others = editing.filter(({ userId }) => !names.has(userId))
  for (const { actor_id, actor_name } of await actorNames(database, others)) names.set(actor_id, actor_name)
  return names
}
