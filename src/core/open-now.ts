import { editedNow, joinedNow } from '../metadata/open-now.ts'
import type { Deps } from './deps.ts'
import { editorNames } from './editor-names.ts'
import { editorsOf } from './sessions.ts'

/** Names of those who have each of the documents open, as `activeUsers` tells of one; the others are left out. */
export async function openNow(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  workspaceId: string,
  documentIds: string[],
): Promise<Map<string, string[]>> {
  if (documentIds.length === 0) return new Map()
  const edited = (await editedNow(database, documentIds)).flatMap((session) =>
    editorsOf(session).map((userId) => ({ documentId: session.document_id, userId })),
  )
  const names = await editorNames(database, workspaceId, edited)
  const joined = await joinedNow(database, documentIds, clock().toISOString())
  const open = new Map<string, Map<string, string>>()
  for (const { documentId, userId, userName } of [
    ...edited.map((one) => ({ ...one, userName: names.get(one.userId) ?? one.userId })),
    ...joined,
  ]) {
    const users = open.get(documentId) ?? new Map<string, string>()
    open.set(documentId, users.set(userId, userName))
  }
  return new Map([...open].map(([documentId, users]) => [documentId, [...users.values()]]))
}
