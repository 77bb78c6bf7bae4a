import type { Request } from 'express'
import { z } from 'zod'
import { ACTIONS } from '../../core/activity.ts'
import { auditTrail } from '../../core/administration/audit-trail.ts'
import type { Deps } from '../../core/deps.ts'
import type { ActivityRow } from '../../metadata/schema.ts'

const ON_A_PAGE = 50
const DAY_MS = 24 * 3600_000
const MOST_DETAIL = 300

/** What is nonsense counts as not given. */
const part = z.string().trim().min(1).max(200).optional().catch(undefined)
const moment = z.iso.datetime().optional().catch(undefined)
const Filter = z.object({
  action: z.enum(ACTIONS).optional().catch(undefined),
  person: part,
  document: part,
  /** Days, the last one included; `since` and `until` are the same in the reader's zone. */
  from: z.iso.date().optional().catch(undefined),
  to: z.iso.date().optional().catch(undefined),
  since: moment,
  until: moment,
  cursor: z.uuid().optional().catch(undefined),
})

export async function auditPart(deps: Pick<Deps, 'database'>, query: Request['query']) {
  const filter = Filter.parse(query)
  const { action, person, document, cursor } = filter
  const from = filter.from && (filter.since ?? `${filter.from}T00:00:00.000Z`)
  const to = filter.to && (filter.until ?? dayAfter(filter.to))
  const page = await auditTrail(deps, { action, person, document, from, to, cursor, take: ON_A_PAGE })
  const given = Object.entries(filter).filter(([name, value]) => value !== undefined && name !== 'cursor')
  return {
    filter,
    actions: ACTIONS,
    shownAction,
    isFiltered: given.length > 0,
    isFirstPage: cursor === undefined,
    isCutShort: page.isCutShort,
    firstPage: `?${addressed(given)}`,
    nextPage: page.nextCursor && `?${addressed([...given, ['cursor', page.nextCursor]])}`,
    exportQuery: addressed([
      ...(from === undefined ? [] : [['from', from]]),
      ...(to === undefined ? [] : [['to', to]]),
    ]),
    entries: page.entries.map((entry) => ({
      at: entry.at,
      action: entry.action,
      actor: entry.actor_name || entry.actor_id,
      documentId: entry.document_id,
      documentName: entry.documentName,
      detail: detailOf(entry),
    })),
  }
}

function addressed(pairs: (string | undefined)[][]): string {
  return pairs.map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`).join('&')
}

function dayAfter(day: string): string {
  return new Date(Date.parse(`${day}T00:00:00.000Z`) + DAY_MS).toISOString()
}

/** `API key created` */
function shownAction(action: string): string {
  const words = action.replaceAll('-', ' ').replace(/^api /, 'API ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** `version number: 3, outcome: final`; `“Minutes” → “Notes”` of what had another value before. */
function detailOf({ detail }: Pick<ActivityRow, 'detail'>): string {
  const { from, to, ...others } = JSON.parse(detail) as Record<string, unknown>
  const change = from === undefined && to === undefined ? [] : [`${quoted(from)} → ${quoted(to)}`]
  const rest = Object.entries(others).map(([name, value]) => `${inWords(name)}: ${shownValue(value)}`)
  const joined = [...change, ...rest].join(', ')
  // One value must not turn the direction of those after it.
  const text = joined.replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
  return text.length > MOST_DETAIL ? `${text.slice(0, MOST_DETAIL)}…`.toWellFormed() : text
}

/** `versionNumber` → `version number` */
function inWords(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

function quoted(value: unknown): string {
  return typeof value === 'string' && value !== '' ? `“${value}”` : shownValue(value)
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (Array.isArray(value)) return value.map(shownValue).join(', ')
  if (typeof value !== 'object') return String(value)
  return Object.entries(value)
    .map(([name, one]) => `${inWords(name)} ${shownValue(one)}`)
    .join(', ')
}
