import { linksOf } from '../../metadata/links.ts'
import type { DocumentRow } from '../../metadata/schema.ts'
import { keysOfWorkspace } from '../../metadata/sharing.ts'
import type { Permission } from '../callers.ts'
import type { Deps } from '../deps.ts'
import type { Grant } from './grants.ts'
import { isWorking } from './links.ts'

const MOST_KEYS = 100

/** In the words of the editor. Source: ONLYOFFICE Docs API, Document, Info, sharingSettings. */
export type AccessEntry = { user: string; permissions: string; isLink?: true }

const WORDS = [
  ['edit', 'Full Access'],
  ['review', 'Review'],
  ['comment', 'Comment'],
  ['fillForms', 'Form Filling'],
] as const satisfies [Grant, string][]

/** Who reaches a document: the workspace's clients and the document's links. */
export async function accessTo(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  { id, workspace_id: workspaceId }: DocumentRow,
): Promise<AccessEntry[]> {
  const now = clock().toISOString()
  const keys = await keysOfWorkspace(database, { workspaceId, now, most: MOST_KEYS })
  const links = (await linksOf(database, id)).filter((link) => isWorking(link, now))
  return [
    ...keys.map(({ name, permissions }) => {
      const may: Permission[] = JSON.parse(permissions)
      return { user: name, permissions: may.includes('documents:write') ? 'Full Access' : 'Read Only' }
    }),
    ...links.map(({ user, grants }) => {
      const name: string = user === null ? 'Guests' : JSON.parse(user).name
      return { user: name, permissions: wordFor(JSON.parse(grants)), isLink: true as const }
    }),
  ]
}

function wordFor(grants: Grant[]): string {
  return WORDS.find(([grant]) => grants.includes(grant))?.[1] ?? 'Read Only'
}
