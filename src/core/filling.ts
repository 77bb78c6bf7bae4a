import { Problem } from '../errors.ts'
import type { DocumentRow } from '../metadata/schema.ts'
import { countSubmissions, fillingOf, upsertFilling } from '../metadata/submissions.ts'
import { recordActivity } from './activity.ts'
import type { User } from './callers.ts'
import type { Deps } from './deps.ts'
import { canFill, formatOf } from './formats.ts'

/** Who fills which fields of a form. */
export type Role = { name: string; color?: string | undefined }

export type FillingStatus = {
  isStarted: boolean
  /** ISO 8601, UTC. */
  startedAt: string | null
  roles: Role[]
  /** How many were handed in so far. */
  submissions: number
  /** How many of them the asking user did. */
  ownSubmissions: number
}

/**
 * Gives a form out to be filled; given out again, the new roles stand in place of the old ones.
 *
 * @throws Problem `extension-unsupported` for a document that cannot be filled
 */
export async function startFilling(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  document: DocumentRow,
  { roles, by }: { roles: Role[]; by: User },
): Promise<void> {
  const format = formatOf(document.file_type)
  if (format === undefined || !canFill(format))
    throw new Problem('extension-unsupported', `a ${document.file_type} is no form`)
  const at = clock().toISOString()
  await database.transaction().execute(async (tx) => {
    await upsertFilling(tx, {
      document_id: document.id,
      roles: JSON.stringify(roles),
      started_by: by.id,
      started_at: at,
    })
    await recordActivity(tx, {
      workspaceId: document.workspace_id,
      documentId: document.id,
      actor: by,
      action: 'filling-started',
      at,
      detail: { roles: roles.map(({ name }) => name) },
    })
  })
}

/** Document Server does not say which role a submission fills: they are counted together. */
export async function fillingStatus(
  { database }: Pick<Deps, 'database'>,
  { id }: Pick<DocumentRow, 'id'>,
  userId: string,
): Promise<FillingStatus> {
  const filling = await fillingOf(database, id)
  return {
    isStarted: filling !== undefined,
    startedAt: filling?.started_at ?? null,
    roles: filling === undefined ? [] : JSON.parse(filling.roles),
    submissions: await countSubmissions(database, id),
    ownSubmissions: await countSubmissions(database, id, userId),
  }
}
