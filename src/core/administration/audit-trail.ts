import { setImmediate as nextTurn } from 'node:timers/promises'
import { listActivity } from '../../metadata/activity.ts'
import { namesOfDocuments } from '../../metadata/document-names.ts'
import type { ActivityRow } from '../../metadata/schema.ts'
import { firstIdAt } from '../activity.ts'
import type { Deps } from '../deps.ts'
import { foldedTitle } from '../titles.ts'

const PORTION = 500
/** No index serves all of these filters together: after so many entries the reader says whether to go on. */
const MOST_LOOKED_AT = 50_000

export type AuditWanted = {
  action?: string | undefined
  /** Part of the name, or the whole id, of who did it. */
  person?: string | undefined
  /** Part of the name, or the whole id, of a document. */
  document?: string | undefined
  /** ISO 8601 times, `from` inclusive and `to` exclusive. */
  from?: string | undefined
  to?: string | undefined
  /** Id of the last entry that was looked at. */
  cursor?: string | undefined
  take: number
  /** Before it stops and says so. */
  mostLookedAt?: number
}

export type AuditEntry = ActivityRow & { documentName: string | undefined }

export type AuditPage = {
  entries: AuditEntry[]
  /** Where the next page begins; undefined at the end. */
  nextCursor: string | undefined
  /** The search was interrupted before the page was full. */
  isCutShort: boolean
}

/** Who did what, newest first. Looks through a bounded number of entries, in portions. */
export async function auditTrail(
  { database }: Pick<Deps, 'database'>,
  wanted: AuditWanted,
): Promise<AuditPage> {
  const entries: AuditEntry[] = []
  const fits = filterOf(wanted)
  const until = wanted.to === undefined ? undefined : firstIdAt(wanted.to)
  let beforeId = [until, wanted.cursor].filter((id) => id !== undefined).sort()[0]
  for (let lookedAt = 0; lookedAt < (wanted.mostLookedAt ?? MOST_LOOKED_AT); lookedAt += PORTION) {
    const rows = await listActivity(database, {
      workspaceId: undefined,
      documentId: isId(wanted.document) ? wanted.document : undefined,
      fromId: wanted.from === undefined ? undefined : firstIdAt(wanted.from),
      beforeId,
      isNewestFirst: true,
      take: PORTION,
    })
    const names = await namesOfDocuments(
      database,
      rows.flatMap(({ document_id }) => document_id ?? []),
    )
    for (const row of rows) {
      const entry = { ...row, documentName: names.get(row.document_id ?? '') }
      if (!fits(entry)) continue
      if (entries.length === wanted.take)
        return { entries, nextCursor: entries.at(-1)?.id, isCutShort: false }
      entries.push(entry)
    }
    if (rows.length < PORTION) return { entries, nextCursor: undefined, isCutShort: false }
    beforeId = rows.at(-1)?.id
    await nextTurn()
  }
  return { entries, nextCursor: beforeId, isCutShort: true }
}

function filterOf({ action, person, document }: AuditWanted): (entry: AuditEntry) => boolean {
  const name = person === undefined ? undefined : foldedTitle(person)
  const title = document === undefined || isId(document) ? undefined : foldedTitle(document)
  return (entry) =>
    (action === undefined || entry.action === action) &&
    (name === undefined || entry.actor_id === person || foldedTitle(entry.actor_name).includes(name)) &&
    (title === undefined || foldedTitle(entry.documentName ?? '').includes(title))
}

function isId(text: string | undefined): boolean {
  return text !== undefined && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
}
