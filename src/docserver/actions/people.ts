import { z } from 'zod'
import { notePeopleMentioned } from '../../core/notify.ts'
import { findPeople, idsInDocument, type Person, peopleOf } from '../../core/people.ts'
import { accessTo } from '../../core/sharing/access-list.ts'
import type { Grant } from '../../core/sharing/grants.ts'
import { Problem } from '../../errors.ts'
import { type Action, action, Id } from '../action.ts'
import { ActionLink, placeAddress } from '../action-link.ts'
import type { Door } from '../door.ts'
import { demandGrant, type Visitor } from '../visitor.ts'

/** An editor that asks for no part gets this many. */
const MOST_PEOPLE = 1000
const MOST_IDS = 100
const MOST_MENTIONED = 20
/** In characters; webhooks get the beginning. */
const MAX_MESSAGE_LENGTH = 32_768

const GRANT_OF = { mention: 'comment', protect: 'protect', info: 'view' } as const satisfies Record<
  string,
  Grant
>

const UsersQuery = z.object({
  c: z.enum(['mention', 'protect', 'info']),
  search: z.string().max(200).optional(),
  from: z.coerce.number().int().min(0).max(1_000_000).default(0),
  count: z.coerce.number().int().min(1).max(MOST_PEOPLE).optional(),
  /** With commas between them, or repeated. */
  id: z
    .union([z.string().transform((ids) => ids.split(',')), z.array(z.string())])
    .pipe(z.array(Id).max(MOST_IDS))
    .optional(),
})
type UsersQuery = z.output<typeof UsersQuery>

const Notification = z.object({
  actionLink: ActionLink.optional(),
  message: z.string().max(MAX_MESSAGE_LENGTH).default(''),
  emails: z.array(z.string().trim().min(1).max(254)).max(MOST_MENTIONED).default([]),
  ids: z.array(Id).max(MOST_MENTIONED).default([]),
})

/** The people that the editor names. Source: ONLYOFFICE Docs API, Events and Methods. */
export function peopleActions(door: Pick<Door, 'deps' | 'addresses'>): Action[] {
  const { deps } = door
  return [
    /** `onRequestUsers`, for `setUsers`. */
    action({
      method: 'get',
      path: '/users',
      grant: 'view',
      query: UsersQuery,
      async handle({ visitor, query }) {
        demandGrant(visitor, GRANT_OF[query.c])
        if (query.c === 'info') return { c: query.c, users: await informationOn(visitor, query) }
        if (!visitor.seesWorkspace)
          throw new Problem('grant-missing', 'the people of the workspace are not shown here')
        return { c: query.c, ...(await choiceOf(visitor, query)) }
      },
    }),

    /** `onRequestSendNotify`. */
    action({
      method: 'post',
      path: '/notify',
      grant: 'comment',
      needsWorkspace: true,
      body: Notification,
      async handle({ visitor: { document, user }, body: { actionLink, ...mention } }) {
        if (mention.emails.length + mention.ids.length === 0)
          throw new Problem('validation-failed', 'name somebody in emails or ids')
        const url = placeAddress(door, document.id, actionLink)
        return { mentioned: await notePeopleMentioned(deps, { document, actor: user, url, ...mention }) }
      },
    }),

    /** `onRequestSharingSettings`, for `setSharingSettings`. */
    action({
      method: 'get',
      path: '/sharing',
      grant: 'edit',
      needsWorkspace: true,
      async handle({ visitor }) {
        return { sharingSettings: await accessTo(deps, visitor.document) }
      },
    }),
  ]

  /** Names and pictures. Who came from outside learns of those who are here with them. */
  async function informationOn({ document, seesWorkspace }: Visitor, { id }: UsersQuery) {
    const here = await idsInDocument(deps, document.id)
    const wanted = id ?? [...here]
    const ids = seesWorkspace ? wanted : wanted.filter((one) => here.has(one))
    const people = await peopleOf(deps, document.workspace_id, [...new Set(ids)])
    return people.map((person) => userJson(seesWorkspace ? person : { ...person, email: null }))
  }

  async function choiceOf({ document }: Visitor, { c, search, from, count }: UsersQuery) {
    const { people, totalCount } = await findPeople(deps, document.workspace_id, {
      search,
      skip: from,
      take: count ?? MOST_PEOPLE,
      // The editor writes a mention as the address.
      withEmail: c === 'mention',
    })
    const users = people.map(userJson)
    return count === undefined ? { users } : { users, total: totalCount, isPaginated: true }
  }
}

function userJson({ id, name, email, image }: Person) {
  return { id, name, ...(email === null ? {} : { email }), ...(image === null ? {} : { image }) }
}
