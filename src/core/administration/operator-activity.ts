import { insertActivity } from '../../metadata/activity.ts'
import { documentById } from '../../metadata/documents.ts'
import type { Tx } from '../../metadata/schema.ts'
import { idAt } from '../activity.ts'
import { authorOf, type Caller } from '../callers.ts'

/** What an operator does beside documents; webhooks are not told of it. */
export const OPERATOR_ACTIONS = ['session-disconnected', 'session-closed', 'save-cleared'] as const
export type OperatorAction = (typeof OPERATOR_ACTIONS)[number]

export type DoneByOperator = {
  documentId: string
  action: OperatorAction
  /** ISO 8601, UTC. */
  at: string
  /** What the action's name does not say; becomes JSON. */
  detail: Record<string, unknown>
}

/** Records it in the audit trail. To be called inside the transaction that does it, if one does. */
export async function recordOperator(
  tx: Tx,
  caller: Caller,
  { documentId, action, at, detail }: DoneByOperator,
): Promise<void> {
  const actor = authorOf(caller)
  const document = await documentById(tx, documentId)
  await insertActivity(tx, {
    id: idAt(at),
    workspace_id: document.workspace_id,
    document_id: documentId,
    actor_id: actor.id,
    actor_name: actor.name,
    action,
    detail: JSON.stringify(detail),
    at,
  })
}
