import { createHash } from 'node:crypto'
import type { Request } from 'express'
import { LRUCache } from 'lru-cache'
import { z } from 'zod'
import { forgetPresence } from '../../core/collaboration.ts'
import { formatOf } from '../../core/formats.ts'
import { Problem } from '../../errors.ts'
import { bearerOf } from '../../http/authentication.ts'
import { type Action, action } from '../action.ts'
import type { Door } from '../door.ts'
import { allowedMode } from '../permissions.ts'
import type { Visitor } from '../visitor.ts'

const MAX_DESCRIPTION_LENGTH = 2048
const MOST_NOTICES = 30
const NOTICES_PER_MS = 60_000
const MOST_PAGES = 10_000

const Notice = z.object({
  /** The editor's event. */
  event: z.string().regex(/^on[A-Za-z]{1,50}$/),
  code: z.union([z.int(), z.string().max(100)]).optional(),
  description: z.string().optional(),
  /** Document key that the page has open. */
  key: z
    .string()
    .regex(/^[0-9A-Za-z\-._=]{1,128}$/)
    .optional(),
})

/** What a page lets us know of itself. */
export function noticeActions({ deps }: Pick<Door, 'deps'>): Action[] {
  const { clock, log } = deps
  /** How many each page has sent since when, in milliseconds. */
  const sent = new LRUCache<string, { since: number; count: number }>({ max: MOST_PAGES })

  return [
    /** `onRequestEditRights`: the page may open itself again in this mode. */
    action({
      method: 'post',
      path: '/edit-rights',
      grant: 'view',
      async handle({ visitor: { document, grants } }) {
        const format = formatOf(document.file_type)
        const mode = format === undefined ? 'view' : allowedMode(format, grants, 'edit')
        if (mode === 'view') throw new Problem('grant-missing', 'this document is for reading here')
        return { granted: true, mode }
      },
    }),

    /** `onRequestClose`, and a page that is left. */
    action({
      method: 'post',
      path: '/close',
      grant: 'view',
      async handle({ visitor: { document, user } }) {
        await forgetPresence(deps, document.id, user.id)
        return undefined
      },
    }),

    /** `onError`, `onWarning` and the like, for the log of the service. */
    action({
      method: 'post',
      path: '/telemetry',
      grant: 'view',
      body: Notice,
      async handle({ visitor, body: { event, code, description, key }, request }) {
        countNotice(pageOf(request, visitor))
        const line = {
          event,
          code,
          description: description === undefined ? undefined : loggable(description),
          document: visitor.document.id,
          key,
          user: userHash(visitor),
        }
        if (event === 'onError') log.warn(line, 'editor reports an error')
        else log.info(line, 'editor reports')
        return undefined
      },
    }),
  ]

  /** @throws Problem `too-many-requests` */
  function countNotice(page: string): void {
    const now = clock().getTime()
    const known = sent.get(page)
    const current =
      known !== undefined && now - known.since < NOTICES_PER_MS ? known : { since: now, count: 0 }
    if (current.count >= MOST_NOTICES) {
      const retryAfterS = Math.max(1, Math.ceil((current.since + NOTICES_PER_MS - now) / 1000))
      throw new Problem('too-many-requests', 'the page has reported enough for now', { retryAfterS })
    }
    sent.set(page, { since: current.since, count: current.count + 1 })
  }
}

/** Each opened page has a token of its own; a browser with the administrator's cookie counts as one. */
function pageOf(request: Request, { document }: Visitor): string {
  const token = bearerOf(request) ?? ''
  return createHash('sha256').update(`${document.id} ${token}`).digest('base64url')
}

/** Tells users apart in a log without naming them. */
function userHash({ document, user }: Visitor): string {
  const named = `${document.workspace_id} ${user.id}`
  return createHash('sha256').update(named).digest('hex').slice(0, 16)
}

/** Without queries and tokens, which open things. */
function loggable(text: string): string {
  return text
    .slice(0, MAX_DESCRIPTION_LENGTH)
    .toWellFormed()
    .replace(/(https?:\/\/[^\s"'?#]*)[?#][^\s"']*/gi, '$1')
    .replace(/\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '…')
}
