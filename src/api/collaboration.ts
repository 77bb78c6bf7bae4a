import { z } from 'zod'
import { may } from '../core/callers.ts'
import { activeUsers, joinDocument, leaveDocument } from '../core/collaboration.ts'
import { documentFor } from '../core/documents.ts'
import { Problem } from '../errors.ts'
import type { Api } from './api.ts'
import { Id, OfDocument, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const User = z.object({ documentId: Id, userId: z.string().min(1).max(128) })
const Joining = User.extend({ userName: z.string().min(1).max(100) })

const Color = z.string().regex(/^#[0-9a-f]{6}$/i)
const ActiveUser = z
  .object({
    userId: z.string(),
    userName: z.string(),
    userColor: Color,
    joinedAt: Time.nullable(),
    source: z.enum(['api', 'hub', 'editor']),
  })
  .meta({ id: 'ActiveUser' })

const Joined = z.object({ sessionId: z.uuid(), userColor: Color, activeUsers: z.array(ActiveUser) })
const Status = z.object({
  documentId: z.uuid(),
  activeUserCount: z.int(),
  activeUsers: z.array(ActiveUser),
})

/** Who has a document open. Source: Nuto Office API, Collaboration. */
export function collaborationOperations({ deps }: Api): Operation[] {
  return [
    operation({
      method: 'post',
      paths: ['/collaboration/join'],
      tag: 'Collaboration',
      summary: 'Join a document for a minute; call again to stay',
      access: 'token',
      permission: 'collaboration:join',
      body: Joining,
      answer: { status: 200, json: Joined },
      problems: ['document-not-found'],
      handle: ({ caller, body }) => joinDocument(deps, caller, body),
    }),

    operation({
      method: 'post',
      paths: ['/collaboration/leave'],
      tag: 'Collaboration',
      summary: 'Leave a document',
      access: 'token',
      permission: 'collaboration:join',
      body: User,
      answer: { status: 204 },
      problems: ['document-not-found'],
      async handle({ caller, body }) {
        await leaveDocument(deps, caller, body)
      },
    }),

    operation({
      method: 'get',
      // The API page names no path for the status: these are what its readers would try.
      paths: [
        '/collaboration/:documentId',
        '/collaboration/:documentId/status',
        '/collaboration/:documentId/sessions',
        '/collaboration/:documentId/users',
      ],
      tag: 'Collaboration',
      summary: 'Who has the document open; with documents:read or collaboration:join',
      access: 'token',
      params: OfDocument,
      answer: { status: 200, json: Status },
      problems: ['document-not-found', 'permission-missing'],
      async handle({ caller, params }) {
        if (!may(caller, 'documents:read') && !may(caller, 'collaboration:join')) {
          throw new Problem('permission-missing', 'the token lacks documents:read or collaboration:join')
        }
        const { id: documentId } = await documentFor(deps, caller, params.documentId)
        const users = await activeUsers(deps, documentId)
        return { documentId, activeUserCount: users.length, activeUsers: users }
      },
    }),
  ]
}
