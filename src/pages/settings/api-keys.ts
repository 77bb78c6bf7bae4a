import { listApiKeyInfos } from '../../core/api-keys.ts'
import { PERMISSIONS } from '../../core/callers.ts'
import type { Deps } from '../../core/deps.ts'
import { DEFAULT_WORKSPACE_ID } from '../../metadata/schema.ts'
import { listWorkspaces } from '../../metadata/workspaces.ts'

const MOST_WORKSPACES = 1000

/** All keys, those that still work first. */
export async function apiKeysPart({ database, clock }: Pick<Deps, 'database' | 'clock'>) {
  const [keys, workspaces] = await Promise.all([
    listApiKeyInfos({ database }),
    listWorkspaces(database, MOST_WORKSPACES),
  ])
  const names = new Map(workspaces.map(({ id, name }) => [id, name]))
  const now = clock().toISOString()
  const shown = keys.map((key) => ({
    ...key,
    workspace: names.get(key.workspaceId) ?? key.workspaceId,
    state:
      key.revokedAt !== null
        ? 'revoked'
        : key.expiresAt !== null && key.expiresAt <= now
          ? 'expired'
          : 'works',
  }))
  return {
    keys: shown.toSorted((one, other) => Number(one.state !== 'works') - Number(other.state !== 'works')),
    workspaces,
    defaultWorkspaceId: DEFAULT_WORKSPACE_ID,
    permissions: PERMISSIONS,
  }
}
