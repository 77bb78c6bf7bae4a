import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { ACTIONS } from '../core/activity.ts'
import { exportActivity, listActivity } from '../core/list-activity.ts'
import type { ActivityRow } from '../metadata/schema.ts'
import type { Api } from './api.ts'
import { Id, Time } from './fields.ts'
import { type Operation, operation } from './operation.ts'

const MOST_TAKEN = 1000

/** A day counts from its beginning in UTC. */
const Moment = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })])
  .meta({ description: 'ISO 8601, a day or a time' })

const Period = z.object({ from: Moment.optional(), to: Moment.optional() })

const Activity = z
  .object({
    id: Id,
    at: Time,
    action: z.string(),
    workspaceId: Id,
    documentId: Id.nullable(),
    actor: z.object({ id: z.string(), name: z.string() }),
    detail: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Activity' })

const COMMON = { method: 'get', tag: 'Activity', access: 'token', permission: 'documents:read' } as const

/** Who did what to which document. */
export function activityOperations({ deps }: Api): Operation[] {
  return [
    operation({
      ...COMMON,
      paths: ['/activity'],
      summary: 'Who did what, newest first',
      query: Period.extend({
        workspaceId: Id.optional().meta({ description: 'For the administrator, who otherwise sees all' }),
        documentId: Id.optional(),
        action: z.enum(ACTIONS).optional(),
        take: z.coerce.number().int().min(1).max(MOST_TAKEN).default(100),
        cursor: Id.optional().meta({ description: '`nextCursor` of the page before' }),
      }),
      answer: {
        status: 200,
        json: z.object({ activity: z.array(Activity), nextCursor: z.string().optional() }),
      },
      problems: ['workspace-not-found'],
      async handle({ caller, query }) {
        const { activity, nextCursor } = await listActivity(deps, caller, query)
        return { activity: activity.map(activityJson), nextCursor }
      },
    }),

    operation({
      ...COMMON,
      paths: ['/activity/export'],
      summary: 'All of it, oldest first, one JSON object a line (NDJSON)',
      query: Period,
      answer: { status: 200, bytes: true, mediaType: 'application/x-ndjson' },
      async handle({ caller, query, request, response }) {
        response.attachment('activity.ndjson').type('application/x-ndjson')
        if (request.method === 'HEAD') return void response.end()
        const pages = exportActivity(deps, caller, query)
        await pipeline(Readable.from(lines(pages)), response).catch((error: unknown) => {
          // Nobody is left to be told.
          if (!response.destroyed) throw error
        })
      },
    }),
  ]
}

async function* lines(pages: AsyncIterable<ActivityRow[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((row) => `${JSON.stringify(activityJson(row))}\n`).join('')
}

function activityJson(row: ActivityRow): z.input<typeof Activity> {
  return {
    id: row.id,
    at: row.at,
    action: row.action,
    workspaceId: row.workspace_id,
    documentId: row.document_id,
    actor: { id: row.actor_id, name: row.actor_name },
    detail: JSON.parse(row.detail),
  }
}
