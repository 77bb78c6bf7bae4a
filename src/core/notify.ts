import { Problem } from '../errors.ts'
import { type PersonRow, peopleByEmail, peopleById } from '../metadata/people.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import { MAX_DETAIL_BYTES, recordActivity } from './activity.ts'
import type { User } from './callers.ts'
import type { Deps } from './deps.ts'

/** What a webhook is told of a comment, as JSON; the rest of it stands in the document. */
const MAX_MESSAGE_BYTES = 4 * 1024
const CUT = '…'

export type Mention = {
  document: DocumentRow
  actor: User
  message: string
  emails: string[]
  ids: string[]
  /** Shows the place in the document. */
  url: string
}

/**
 * Tells the webhooks of the workspace that people were mentioned in a comment; who receives them
 * writes the mails. All or nobody.
 *
 * @returns ids of those who were mentioned
 * @throws Problem `person-not-found`
 */
export async function notePeopleMentioned(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  { document, actor, message, emails, ids, url }: Mention,
): Promise<string[]> {
  const { id: documentId, workspace_id: workspaceId } = document
  const addresses = emails.map((email) => email.toLowerCase())
  const byEmail = await peopleByEmail(database, workspaceId, addresses)
  const byId = await peopleById(database, workspaceId, ids)
  const isKnown =
    addresses.every((address) => byEmail.some(({ email }) => email?.toLowerCase() === address)) &&
    ids.every((id) => byId.some((person) => person.id === id))
  if (!isKnown) throw new Problem('person-not-found', 'only people of the workspace can be mentioned')
  const people = [...new Map([...byEmail, ...byId].map((person) => [person.id, person])).values()]
  await database.transaction().execute((tx) =>
    recordActivity(tx, {
      workspaceId,
      documentId,
      actor,
      action: 'mentioned',
      at: clock().toISOString(),
      detail: mentionDetail(message, people, url),
    }),
  )
  return people.map(({ id }) => id)
}

/** The message gets what room the others leave. */
function mentionDetail(message: string, mentioned: PersonRow[], url: string) {
  const people = mentioned.map(({ id, name, email }) => ({ id, name, email }))
  const room = MAX_DETAIL_BYTES - jsonBytes({ message: CUT, people, url })
  return { message: cutToBytes(message.toWellFormed(), Math.min(MAX_MESSAGE_BYTES, room)), people, url }
}

/** As many characters as fit into so many bytes of JSON. */
function cutToBytes(text: string, most: number): string {
  if (jsonBytes(text) - 2 <= most) return text
  let bytes = jsonBytes(CUT) - 2
  let kept = ''
  for (const character of text) {
    bytes += jsonBytes(character) - 2
    if (bytes > most) break
    kept += character
  }
  return kept + CUT
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
