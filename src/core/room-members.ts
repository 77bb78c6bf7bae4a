import {
  deleteRoomMember,
  forgetRoomMembers,
  type RoomMemberRow,
  renewRoomMembers,
  roomMembersOf,
  upsertRoomMember,
} from '../metadata/room-members.ts'
import type { Deps } from './deps.ts'
import { afterSeconds } from './sessions.ts'
import type { RoomMember } from './updates/room-message.ts'

/** A node that stops without a word leaves its members behind for this long. */
const PRESENT_S = 60
const RENEWED_AT_ONCE = 500

/** Somebody connected to a document; durable when the promise resolves, so that REST tells the same. */
export async function enterRoom(
  { commits, clock, config }: Pick<Deps, 'commits' | 'clock' | 'config'>,
  documentId: string,
  { connectionId, userId, userName, userColor }: RoomMember,
): Promise<void> {
  const now = clock()
  await commits.run((tx) =>
    upsertRoomMember(tx, {
      connection_id: connectionId,
      document_id: documentId,
      user_id: userId,
      user_name: userName,
      user_color: userColor,
      joined_at: now.toISOString(),
      expires_at: afterSeconds(now, PRESENT_S),
      node: config.NODE_NAME,
    }),
  )
}

export function leaveRoom(
  { commits }: Pick<Deps, 'commits'>,
  documentId: string,
  connectionId: string,
): Promise<void> {
  return commits.run((tx) => deleteRoomMember(tx, connectionId, documentId))
}

/** Once for each connection. */
export function connectedTo(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  documentId: string,
): Promise<RoomMemberRow[]> {
  return roomMembersOf(database, documentId, clock().toISOString())
}

/** To be called more often than every minute, with whoever is connected. */
export async function renewRooms(
  { database, clock }: Pick<Deps, 'database' | 'clock'>,
  connectionIds: string[],
): Promise<void> {
  for (let at = 0; at < connectionIds.length; at += RENEWED_AT_ONCE) {
    const ids = connectionIds.slice(at, at + RENEWED_AT_ONCE)
    await renewRoomMembers(database, ids, afterSeconds(clock(), PRESENT_S))
  }
}

/** At a start: nobody is connected to this node yet. */
export async function clearRooms({
  database,
  clock,
  config,
}: Pick<Deps, 'database' | 'clock' | 'config'>): Promise<void> {
  const now = clock().toISOString()
  await forgetRoomMembers(database, { node: config.NODE_NAME, expiredBefore: now })
}
