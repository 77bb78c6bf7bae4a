import { activeUsers } from '../core/collaboration.ts'
import type { Deps } from '../core/deps.ts'
import { connectedTo } from '../core/room-members.ts'

export type ConnectedUser = {
  /** Null: is not connected to the hub. */
  connectionId: string | null
  userId: string
  userName: string
  userColor: string
  source: 'api' | 'hub' | 'editor'
}

/** Those in the hub, on whichever node, once for each connection, and whoever else REST tells of. */
export async function connectedUsers(
  deps: Pick<Deps, 'database' | 'clock'>,
  documentId: string,
): Promise<ConnectedUser[]> {
  const connected = await connectedTo(deps, documentId)
  const active = await activeUsers(deps, documentId)
  const others = active.filter(({ userId }) => !connected.some((row) => row.user_id === userId))
  return [
    ...connected.map(
      (row): ConnectedUser => ({
        connectionId: row.connection_id,
        userId: row.user_id,
        userName: row.user_name,
        userColor: row.user_color,
        source: 'hub',
      }),
    ),
    ...others.map(
      ({ userId, userName, userColor, source }): ConnectedUser => ({
        connectionId: null,
        userId,
        userName,
        userColor,
        source,
      }),
    ),
  ]
}
