import type { Selectable } from 'kysely'
import type { Database, Schema, Tx } from './schema.ts'

export type RoomMemberRow = Selectable<Schema['room_members']>

/** Enters, or stays under another name. */
export async function upsertRoomMember(tx: Tx, row: RoomMemberRow): Promise<void> {
  const { user_name, user_color, expires_at } = row
  await tx
    .insertInto('room_members')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['connection_id', 'document_id']).doUpdateSet({ user_name, user_color, expires_at }),
    )
    .execute()
}

export async function deleteRoomMember(tx: Tx, connectionId: string, documentId: string): Promise<void> {
  await tx
    .deleteFrom('room_members')
    .where('connection_id', '=', connectionId)
    .where('document_id', '=', documentId)
    .execute()
}

/** In the order of joining. */
export function roomMembersOf(db: Database, documentId: string, now: string): Promise<RoomMemberRow[]> {
  return db
    .selectFrom('room_members')
    .selectAll()
    .where('document_id', '=', documentId)
    .where('expires_at', '>', now)
    .orderBy('joined_at')
    .orderBy('connection_id')
    .execute()
}

/** Those who are connected stay. */
export async function renewRoomMembers(
  db: Database,
  connectionIds: string[],
  expiresAt: string,
): Promise<void> {
  await db
    .updateTable('room_members')
    .set({ expires_at: expiresAt })
    .where('connection_id', 'in', connectionIds)
    .execute()
}

/** Of a node that has ended, or whose time is up. */
export async function forgetRoomMembers(
  db: Database,
  { node, expiredBefore }: { node: string; expiredBefore: string },
): Promise<void> {
  await db
    .deleteFrom('room_members')
    .where((row) => row.or([row('node', '=', node), row('expires_at', '<=', expiredBefore)]))
    .execute()
}
