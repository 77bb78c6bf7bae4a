import { z } from 'zod'
import { clearSaves } from '../core/administration/clear-saves.ts'
import { keepForgotten } from '../core/administration/keep-forgotten.ts'
import { KEPT_AS, keepVersion } from '../core/administration/keep-version.ts'
import { closeSession, disconnectSession, saveSession } from '../core/administration/open-sessions.ts'
import { retrySave } from '../core/administration/retry-save.ts'
import type { ProblemCode } from '../errors.ts'
import type { Api } from './api.ts'
import { Id, Title } from './fields.ts'
import { type Operation, operation } from './operation.ts'

/** Source: ONLYOFFICE Docs API, Document, key. */
const Key = z.string().trim().min(1).max(128)
const OfKey = z.object({ key: Key })

const Kept = z.object({
  as: z.enum(KEPT_AS).meta({
    description: '`document`: a new one beside it; `head`: the current version of its own document',
  }),
  title: Title.optional().meta({ description: 'Of the new document' }),
})

const UNREACHED = [
  'key-unknown',
  'document-server-missing',
  'document-server-failed',
] as const satisfies ProblemCode[]

const common = { method: 'post', tag: 'Administration', access: 'administrator' } as const

/** What an operator does when something is stuck. */
export function administrationOperations({ deps }: Api): Operation[] {
  return [
    operation({
      ...common,
      paths: ['/administration/sessions/:key/save'],
      summary: 'Have what is typed in an open session stored now',
      params: OfKey,
      answer: { status: 200, json: z.object({ outcome: z.enum(['saved', 'unchanged']) }) },
      problems: [...UNREACHED, 'save-not-arrived'],
      handle: async ({ params }) => ({ outcome: await saveSession(deps, params.key) }),
    }),

    operation({
      ...common,
      paths: ['/administration/sessions/:key/disconnect'],
      summary: 'Save what is typed, then drop everyone; nobody when the save does not arrive',
      params: OfKey,
      answer: { status: 200, json: z.object({ dropped: z.int() }) },
      problems: [...UNREACHED, 'save-not-arrived'],
      handle: async ({ caller, params }) => ({ dropped: await disconnectSession(deps, caller, params.key) }),
    }),

    operation({
      ...common,
      paths: ['/administration/sessions/:key/close'],
      summary: 'End a session whatever Document Server says; what arrives later becomes a conflict version',
      params: OfKey,
      answer: { status: 200, json: z.object({ isSaved: z.boolean(), dropped: z.int() }) },
      problems: ['key-unknown'],
      handle: ({ caller, params }) => closeSession(deps, caller, params.key),
    }),

    operation({
      ...common,
      paths: ['/administration/saves/:key/retry'],
      summary: 'Ask Document Server again for what a failed save would have brought',
      params: OfKey,
      answer: {
        status: 200,
        json: z.object({
          outcome: z.enum(['saved', 'recovered', 'waiting', 'nothing']),
          reason: z.string().nullable(),
        }),
      },
      problems: [...UNREACHED, 'save-not-arrived'],
      handle: ({ params }) => retrySave(deps, params.key),
    }),

    operation({
      ...common,
      paths: ['/administration/saves/:key/clear'],
      summary: 'Take note that the edits of failed saves are lost; refused while their bytes may still exist',
      params: OfKey,
      answer: { status: 200, json: z.object({ cleared: z.int() }) },
      problems: [...UNREACHED, 'precondition-failed'],
      handle: async ({ caller, params }) => ({ cleared: await clearSaves(deps, caller, params.key) }),
    }),

    operation({
      ...common,
      paths: ['/administration/versions/:versionId/keep'],
      summary: 'Make something of a conflict or recovery version',
      params: z.object({ versionId: Id }),
      body: Kept,
      answer: { status: 200, json: z.object({ documentId: z.uuid() }) },
      problems: ['version-not-found', 'document-not-found', 'precondition-failed'],
      isRepeatable: true,
      async handle({ caller, params, body, resourceId }) {
        const { id } = await keepVersion(deps, caller, { ...params, ...body, id: resourceId })
        return { documentId: id }
      },
    }),

    operation({
      ...common,
      paths: ['/administration/forgotten/:key/keep'],
      summary: 'Make something of a forgotten file of Document Server; then it is deleted there',
      params: OfKey,
      body: Kept,
      answer: { status: 200, json: z.object({ documentId: z.uuid(), isDeleted: z.boolean() }) },
      problems: [
        ...UNREACHED,
        'document-not-found',
        'download-failed',
        'download-refused',
        'content-not-as-announced',
        'storage-unavailable',
      ],
      isRepeatable: true,
      handle: ({ caller, params, body, resourceId }) =>
        keepForgotten(deps, caller, { ...params, ...body, id: resourceId }),
    }),
  ]
}
