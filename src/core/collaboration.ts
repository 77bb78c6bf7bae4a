import { createHash, randomUUIDv7 } from 'node:crypto'
import { deletePresence, presenceOf, upsertPresence } from '../metadata/presence.ts'
import { currentSession } from '../metadata/sessions.ts'
import { type Caller, demand } from './callers.ts'
import type { Deps } from './deps.ts'
import { documentFor } from './documents.ts'
import { connectedTo } from './room-members.ts'
import { afterSeconds, editorsOf } from './sessions.ts'

/** Who joined by REST is there for this long and renews it by joining again. */
const PRESENT_S = 60

export type ActiveUser = {
  userId: string
  userName: string
  /** `#RRGGBB`, the same for a user everywhere, readable under white text. */
  userColor: string
  joinedAt: string | null
  /** `api`: joined by REST; `hub`: connected to the hub; `editor`: has it open in the editor. */
  source: 'api' | 'hub' | 'editor'
}

type CollaborationDeps = Pick<Deps, 'database' | 'clock'>

/**
 * Joins a document, or stays in it.
 *
 * @throws Problem `document-not-found`, `permission-missing`
 */
export async function joinDocument(
  deps: CollaborationDeps,
  caller: Caller,
  { documentId, userId, userName }: { documentId: string; userId: string; userName: string },
): Promise<{ sessionId: string; userColor: string; activeUsers: ActiveUser[] }> {
  demand(caller, 'collaboration:join')
  const document = await documentFor(deps, caller, documentId)
  const now = deps.clock()
  const { session_id: sessionId } = await upsertPresence(deps.database, {
    document_id: document.id,
    user_id: userId,
    session_id: randomUUIDv7(),
    user_name: userName,
    joined_at: now.toISOString(),
    expires_at: afterSeconds(now, PRESENT_S),
  })
  return { sessionId, userColor: colorOf(userId), activeUsers: await activeUsers(deps, document.id) }
}

/** No error for somebody who was not there. @throws Problem `document-not-found`, `permission-missing` */
export async function leaveDocument(
  deps: CollaborationDeps,
  caller: Caller,
  { documentId, userId }: { documentId: string; userId: string },
): Promise<void> {
  demand(caller, 'collaboration:join')
  const document = await documentFor(deps, caller, documentId)
  await deletePresence(deps.database, document.id, userId)
}

/** A page was left. */
export function forgetPresence(
  { database }: Pick<Deps, 'database'>,
  documentId: string,
  userId: string,
): Promise<void> {
  return deletePresence(database, documentId, userId)
}

/** One truth over those who joined, are connected or in the editor; somebody in several counts once. */
export async function activeUsers(
  { database, clock }: CollaborationDeps,
  documentId: string,
): Promise<ActiveUser[]> {
  const joined = await presenceOf(database, documentId, clock().toISOString())
  const users = joined.map(
    (row): ActiveUser => ({
      userId: row.user_id,
      userName: row.user_name,
      userColor: colorOf(row.user_id),
      joinedAt: row.joined_at,
      source: 'api',
    }),
  )
  for (const row of await connectedTo({ database, clock }, documentId)) {
    if (users.some((user) => user.userId === row.user_id)) continue
    users.push({
      userId: row.user_id,
      userName: row.user_name,
      userColor: row.user_color,
      joinedAt: row.joined_at,
      source: 'hub',
    })
  }
  const session = await currentSession(database, documentId)
  for (const userId of session === undefined ? [] : editorsOf(session)) {
    if (users.some((user) => user.userId === userId)) continue
    users.push({ userId, userName: userId, userColor: colorOf(userId), joinedAt: null, source: 'editor' })
  }
  return users
}

/** Any hue, but dark enough for white text (contrast 4.5, WCAG 2.2 §1.4.3). */
export function colorOf(userId: string): string {
  const hue = createHash('sha256').update(userId).digest().readUInt16BE() % 360
  // Yellow and green look brighter than blue at one lightness: step down until white is readable.
  for (let lightness = 0.5; ; lightness -= 0.02) {
    const rgb = rgbOf(hue, 0.65, lightness)
    if (1.05 / (luminanceOf(rgb) + 0.05) >= 4.5) {
      return `#${rgb
        .map((part) =>
          Math.round(part * 255)
            .toString(16)
            .padStart(2, '0'),
        )
        .join('')}`
    }
  }
}

type Rgb = [number, number, number]

/** Source: CSS Color 4, HSL to RGB. */
function rgbOf(hue: number, saturation: number, lightness: number): Rgb {
  const part = (offset: number) => {
    const k = (offset + hue / 30) % 12
    const a = saturation * Math.min(lightness, 1 - lightness)
    return lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))
  }
  return [part(0), part(8), part(4)]
}

/** Source: WCAG 2.2, relative luminance. */
function luminanceOf(rgb: Rgb): number {
  const [red, green, blue] = rgb.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  ) as Rgb
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
