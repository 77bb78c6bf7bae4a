import { documentById } from '../metadata/documents.ts'
import type { SaveOutcome, Tx } from '../metadata/schema.ts'
import { type Action, recordActivity } from './activity.ts'

export type SaveEnd = {
  documentId: string
  saveId: string
  author: { id: string; name: string }
  /** ISO 8601, UTC. */
  at: string
} & (
  | { outcome: SaveOutcome; versionNumber: number | undefined; isForgotten: boolean }
  | { outcome: 'failed'; error: string }
)

/** Records how a save ended, in the transaction that ends it. What changed nothing is not recorded. */
export async function recordSave(tx: Tx, end: SaveEnd): Promise<void> {
  const action = actionOf(end)
  if (action === undefined) return
  const { documentId, saveId, author, at, outcome } = end
  const document = await documentById(tx, documentId)
  await recordActivity(tx, {
    workspaceId: document.workspace_id,
    documentId,
    actor: author,
    action,
    at,
    detail:
      end.outcome === 'failed'
        ? { error: end.error, saveId }
        : { versionNumber: end.versionNumber, outcome, saveId },
  })
}

function actionOf(end: SaveEnd): Action | undefined {
  switch (end.outcome) {
    case 'failed':
      return 'save-failed'
    case 'duplicate':
    case 'outdated':
      return undefined
    case 'recovery':
      return 'recovered'
    case 'conflict':
      return end.isForgotten ? 'recovered' : 'conflict'
    default:
      return end.isForgotten ? 'recovered' : 'saved'
  }
}
