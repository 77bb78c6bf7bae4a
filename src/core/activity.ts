import { randomUUIDv7 } from 'node:crypto'
import { insertActivity } from '../metadata/activity.ts'
import type { Tx } from '../metadata/schema.ts'
import { insertDeliveries } from '../metadata/webhook-deliveries.ts'
import type { WebhookEvent } from './webhooks/events.ts'

/** All that is recorded, and which event it raises. Reading is not recorded, opening is. */
const EVENT_OF_ACTION = {
  created: undefined,
  uploaded: undefined,
  copied: undefined,
  renamed: undefined,
  moved: undefined,
  changed: undefined,
  labelled: undefined,
  'content-replaced': undefined,
  /** An earlier version is the head again. */
  restored: 'document.restored',
  /** Into the trash. */
  deleted: 'document.deleted',
  /** Out of the trash. */
  undeleted: 'document.restored',
  purged: undefined,
  opened: 'document.opened',
  saved: 'document.saved',
  'save-failed': 'document.save_failed',
  conflict: 'document.conflict',
  recovered: 'document.recovered',
  'form-submitted': 'document.form_submitted',
  /** The form was given out to be filled. */
  'filling-started': undefined,
  /** In a comment. */
  mentioned: 'document.mentioned',
  /** A file elsewhere is linked, and no more. */
  linked: undefined,
  unlinked: undefined,
  'link-created': undefined,
  'link-revoked': undefined,
  'api-key-created': undefined,
  'api-key-revoked': undefined,
  'api-key-rotated': undefined,
  'webhook-created': undefined,
  'webhook-deleted': undefined,
  /** By an operator: everybody who had it open. */
  'session-disconnected': undefined,
  'session-closed': undefined,
  /** An operator took note that nobody has its bytes any more. */
  'save-cleared': undefined,
} as const satisfies Record<string, WebhookEvent | undefined>

export type Action = keyof typeof EVENT_OF_ACTION

export const ACTIONS = Object.keys(EVENT_OF_ACTION) as [Action, ...Action[]]

/** More of a detail's JSON is left out, so that an event stays far below 16 KiB. */
export const MAX_DETAIL_BYTES = 8 * 1024
const MAX_ACTOR_LENGTH = 500

export type NewActivity = {
  workspaceId: string
  documentId: string | null
  actor: { id: string; name: string }
  action: Action
  /** ISO 8601, UTC. */
  at: string
  /** What the action's name does not say; becomes JSON. Nothing secret. */
  detail?: Record<string, unknown>
}

/**
 * Records who did what, and queues the event for every webhook that wants it. To be called inside
 * the transaction that does it: both become durable together or not at all.
 */
export async function recordActivity(tx: Tx, done: NewActivity): Promise<void> {
  const { workspaceId, documentId, action, at } = done
  const id = idAt(at)
  const actor = {
    id: done.actor.id.slice(0, MAX_ACTOR_LENGTH).toWellFormed(),
    name: done.actor.name.slice(0, MAX_ACTOR_LENGTH).toWellFormed(),
  }
  const detail = boundedDetail(done.detail ?? {})
  await insertActivity(tx, {
    id,
    workspace_id: workspaceId,
    document_id: documentId,
    actor_id: actor.id,
    actor_name: actor.name,
    action,
    detail: JSON.stringify(detail),
    at,
  })
  const event: WebhookEvent | undefined = EVENT_OF_ACTION[action]
  if (event === undefined) return
  const data = { ...detail, action, documentId, workspaceId, actor }
  await insertDeliveries(tx, workspaceId, { id, event, body: eventBody(event, at, data), now: at })
}

/** What a receiver gets. Source: Standard Webhooks, Payload structure. */
export function eventBody(type: string, timestamp: string, data: Record<string, unknown>): string {
  return JSON.stringify({ type, timestamp, data })
}

function boundedDetail(detail: Record<string, unknown>): Record<string, unknown> {
  return Buffer.byteLength(JSON.stringify(detail)) <= MAX_DETAIL_BYTES ? detail : { isTooLong: true }
}

/** A UUIDv7 of the given time. Source: RFC 9562 §5.7. */
export function idAt(time: string): string {
  return firstIdAt(time) + randomUUIDv7().slice('00000000-0000'.length)
}

/** Sorts before all ids of this time and after all earlier ones. */
export function firstIdAt(time: string): string {
  const milliseconds = Date.parse(time).toString(16).padStart(12, '0')
  return `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}`
}
