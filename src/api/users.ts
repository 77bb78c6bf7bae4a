import { z } from 'zod'
import { forgetPerson, listPeople, MAX_USER_ID_LENGTH, type Person, putPerson } from '../core/people.ts'
import type { Api } from './api.ts'
import { Id, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const MOST_TAKEN = 100
const MOST_SKIPPED = 1_000_000
const MOST_GROUPS = 50

const UserId = z
  .string()
  .min(1)
  .max(MAX_USER_ID_LENGTH)
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'no control characters')
  .meta({ description: 'As the editor is told it: `userId` of the viewer, `user.id` of an embed' })
const Text = (longest: number) =>
  z
    .string()
    .min(1)
    .max(longest)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'no control characters')

const GivenPerson = z.object({
  name: Text(100),
  email: z.email().max(254).optional(),
  image: z
    .url({ protocol: /^https$/ })
    .max(2000)
    .optional()
    .meta({ description: 'Address of a picture, https' }),
  groups: z.array(Text(100)).max(MOST_GROUPS).optional(),
})

const UserJson = z
  .object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    image: z.string().nullable(),
    groups: z.array(z.string()),
    updatedAt: Time,
  })
  .meta({ id: 'User' })

const Where = z.object({
  workspaceId: Id.optional().meta({ description: 'For the administrator; else that of the web pages' }),
})

/** Whom the editor offers for mentions, protected ranges and pictures. */
export function userOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'get',
      paths: ['/users'],
      tag: 'Users',
      summary: 'The people of the workspace, by name',
      access: 'token',
      permission: 'documents:read',
      query: Where.extend({
        search: z.string().max(200).optional().meta({ description: 'A part of the name or email address' }),
        skip: z.coerce.number().int().min(0).max(MOST_SKIPPED).default(0),
        take: z.coerce.number().int().min(1).max(MOST_TAKEN).default(20),
      }),
      answer: {
        status: 200,
        json: z
          .object({ users: z.array(UserJson), totalCount: z.int(), skip: z.int(), take: z.int() })
          .meta({ id: 'UserList' }),
      },
      problems: ['workspace-not-found'],
      async handle({ caller, query }) {
        const { people, totalCount } = await listPeople(deps, caller, query)
        return { users: people.map(userJson), totalCount, skip: query.skip, take: query.take }
      },
    }),

    operation({
      method: 'put',
      paths: ['/users/:id'],
      tag: 'Users',
      summary: 'Make a person known, or say anew who they are',
      access: 'token',
      permission: 'documents:write',
      params: z.object({ id: UserId }),
      query: Where,
      body: GivenPerson,
      answer: { status: 200, json: UserJson },
      problems: ['workspace-not-found'],
      async handle({ caller, params, query, body }) {
        return userJson(await putPerson(deps, caller, { ...body, ...params, ...query }))
      },
    }),

    operation({
      method: 'delete',
      paths: ['/users/:id'],
      tag: 'Users',
      summary: 'Forget a person; what they wrote stays',
      access: 'token',
      permission: 'documents:write',
      params: z.object({ id: UserId }),
      query: Where,
      answer: { status: 204 },
      problems: ['person-not-found', 'workspace-not-found'],
      async handle({ caller, params, query }) {
        await forgetPerson(deps, caller, { ...params, ...query })
        return undefined
      },
    }),
  ]
}

function userJson({ id, name, email, image, groups, updatedAt }: Person): z.input<typeof UserJson> {
  return { id, name, email, image, groups, updatedAt }
}
