import { z } from 'zod'
import { fillingStatus, startFilling } from '../../core/filling.ts'
import { listSubmissions } from '../../core/submissions.ts'
import { type Action, action } from '../action.ts'
import type { Door } from '../door.ts'

const MOST_ROLES = 50
const MOST_TAKEN = 100
/** A role's name. */
const Name = z.string().min(1).max(200)

const Role = z.object({
  name: Name,
  color: z
    .string()
    .regex(/^#?[0-9A-Fa-f]{3,8}$/)
    .optional(),
})

/** Forms, given out and handed in. Source: ONLYOFFICE Docs API, Events (onRequestStartFilling, onRequestFillingStatus). */
export function fillingActions({ deps }: Pick<Door, 'deps'>): Action[] {
  return [
    /** Newest first. */
    action({
      method: 'get',
      path: '/forms',
      grant: 'edit',
      query: z.object({
        skip: z.coerce.number().int().min(0).max(1_000_000).default(0),
        take: z.coerce.number().int().min(1).max(MOST_TAKEN).default(MOST_TAKEN),
      }),
      async handle({ visitor, query }) {
        const { submissions, totalCount } = await listSubmissions(deps, visitor.document, query)
        return {
          forms: submissions.map((row) => ({
            id: row.id,
            user: { id: row.user_id, name: row.user_name },
            size: row.size,
            fileType: row.file_type,
            hasData: row.data_sha256 !== null,
            createdAt: row.created_at,
          })),
          totalCount,
        }
      },
    }),

    /** The page calls `startFilling` when this has succeeded. */
    action({
      method: 'post',
      path: '/start-filling',
      grant: 'edit',
      body: z.object({ roles: z.array(Role).max(MOST_ROLES).default([]) }),
      async handle({ visitor: { document, user }, body: { roles } }) {
        await startFilling(deps, document, { roles, by: user })
        return { started: true }
      },
    }),

    action({
      method: 'post',
      path: '/filling-status',
      grant: 'view',
      body: z.object({ role: Name.optional() }),
      async handle({ visitor: { document, user, grants }, body: { role } }) {
        const { isStarted, startedAt, roles, submissions, ownSubmissions } = await fillingStatus(
          deps,
          document,
          user.id,
        )
        return {
          started: isStarted,
          startedAt,
          ...(role === undefined ? {} : { role }),
          roles,
          ownSubmissions,
          // What others do is the business of those who gave the form out.
          ...(grants.has('edit') ? { submissions } : {}),
        }
      },
    }),
  ]
}
