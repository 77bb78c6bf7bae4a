import { Problem } from '../errors.ts'
import { hasWorkspace } from '../metadata/api-keys.ts'
import {
  countPeople,
  deletePerson,
  listPeople as listRows,
  notePersonSeen,
  type PersonRow,
  peopleById,
  upsertPerson,
} from '../metadata/people.ts'
import { DEFAULT_WORKSPACE_ID, type Tx } from '../metadata/schema.ts'
import { type Caller, demand, type User, workspaceOf } from './callers.ts'
import { activeUsers } from './collaboration.ts'
import type { Deps } from './deps.ts'
import { foldedTitle } from './titles.ts'

/** Longest id of a user that Document Server takes, in characters. */
export const MAX_USER_ID_LENGTH = 128

export type Person = {
  id: string
  name: string
  email: string | null
  /** Address of a picture. */
  image: string | null
  groups: string[]
  /** ISO 8601, UTC. */
  updatedAt: string
}

type PersonFields = {
  name: string
  email?: string | undefined
  image?: string | undefined
  groups?: string[] | undefined
}

/** In which workspace; the administrator may name one, else it is that of the web pages. */
type InWorkspace = { workspaceId?: string | undefined }

/** Makes a person known to the workspace, in place of what was known. @throws Problem `permission-missing`, `workspace-not-found` */
export async function putPerson(
  deps: Pick<Deps, 'database' | 'clock'>,
  caller: Caller,
  { id, name, email, image, groups = [], ...where }: InWorkspace & PersonFields & { id: string },
): Promise<Person> {
  demand(caller, 'documents:write')
  const row = await upsertPerson(deps.database, {
    workspace_id: await workspaceFor(deps, caller, where),
    id,
    name,
    folded_name: foldedTitle(name),
    email: email ?? null,
    image: image ?? null,
    groups: JSON.stringify(groups),
    updated_at: deps.clock().toISOString(),
  })
  return personOf(row)
}

/** @throws Problem `person-not-found`, `permission-missing`, `workspace-not-found` */
export async function forgetPerson(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  { id, ...where }: InWorkspace & { id: string },
): Promise<void> {
  demand(caller, 'documents:write')
  const isForgotten = await deletePerson(deps.database, await workspaceFor(deps, caller, where), id)
  if (!isForgotten) throw new Problem('person-not-found')
}

type Part = { search?: string | undefined; skip: number; take: number }

/** By name. @throws Problem `permission-missing`, `workspace-not-found` */
export async function listPeople(
  deps: Pick<Deps, 'database'>,
  caller: Caller,
  { workspaceId, ...part }: InWorkspace & Part,
): Promise<{ people: Person[]; totalCount: number }> {
  demand(caller, 'documents:read')
  return findPeople(deps, await workspaceFor(deps, caller, { workspaceId }), part)
}

/** @param withEmail only those that have an address */
export async function findPeople(
  { database }: Pick<Deps, 'database'>,
  workspaceId: string,
  { search, withEmail, skip, take }: Part & { withEmail?: boolean },
): Promise<{ people: Person[]; totalCount: number }> {
  const wanted = {
    workspaceId,
    search: search === undefined ? undefined : foldedTitle(search.trim()),
    withEmail,
    skip,
    take,
  }
  const rows = await listRows(database, wanted)
  return { people: rows.map(personOf), totalCount: await countPeople(database, wanted) }
}

/** Those of the ids that the workspace knows, in the order of the ids. */
export async function peopleOf(
  { database }: Pick<Deps, 'database'>,
  workspaceId: string,
  ids: string[],
): Promise<Person[]> {
  const rows = await peopleById(database, workspaceId, ids)
  return ids.flatMap((id) => rows.filter((row) => row.id === id).map(personOf))
}

/** Ids of those who are in the document now. */
export async function idsInDocument(
  deps: Pick<Deps, 'database' | 'clock'>,
  documentId: string,
): Promise<Set<string>> {
  return new Set((await activeUsers(deps, documentId)).map(({ userId }) => userId))
}

/** A client opened a document for a user: the workspace knows the user from now on. */
export function notePerson(tx: Tx, workspaceId: string, user: User, at: string): Promise<void> {
  const row = {
    workspace_id: workspaceId,
    id: user.id,
    name: user.name,
    folded_name: foldedTitle(user.name),
    updated_at: at,
  }
  // Without a name of its own a user is called by its id, which says nothing new.
  return notePersonSeen(tx, row, { isNameKnown: user.name !== user.id })
}

/** @throws Problem `workspace-not-found` */
async function workspaceFor(
  { database }: Pick<Deps, 'database'>,
  caller: Caller,
  { workspaceId }: InWorkspace,
): Promise<string> {
  const own = workspaceOf(caller)
  if (workspaceId === undefined) return own ?? DEFAULT_WORKSPACE_ID
  const isForeign = own !== undefined && own !== workspaceId
  if (isForeign || !(await hasWorkspace(database, workspaceId))) throw new Problem('workspace-not-found')
  return workspaceId
}

export function personOf(row: PersonRow): Person {
  return {
    id: row.id,
    name: row.name,
    email: row.email,
    image: row.image,
    groups: JSON.parse(row.groups),
    updatedAt: row.updated_at,
  }
}
