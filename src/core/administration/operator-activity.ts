import { documentById } from '../../metadata/documents.ts'
import type { Tx } from '../../metadata/schema.ts'
import { type NewActivity, recordActivity } from '../activity.ts'
import { authorOf, type Caller } from '../callers.ts'

type DoneByOperator = Pick<NewActivity, 'action' | 'at' | 'detail'> & { documentId: string }

/** Records what an operator did to a document's sessions and saves. To be called inside the transaction that does it. */
export async function recordOperator(tx: Tx, caller: Caller, done: DoneByOperator): Promise<void> {
  const { workspace_id } = await documentById(tx, done.documentId)
  await recordActivity(tx, { ...done, workspaceId: workspace_id, actor: authorOf(caller) })
}
