import {
  type AdmissionRow,
  admissionsBeside,
  deleteAdmission,
  lettingIn,
  pruneAdmissions,
} from '../../metadata/admissions.ts'
import { apiKeyById } from '../../metadata/api-keys.ts'
import { isEmbedRevoked } from '../../metadata/embeds.ts'
import { linkById } from '../../metadata/links.ts'
import type { Deps } from '../deps.ts'
import { saveWhatIsTyped } from '../new-head.ts'
import { afterSeconds } from '../sessions.ts'
import { isWorking } from './links.ts'

/** Longest editing session of Document Server, and a day. */
const KEPT_S = 32 * 86_400
/** Nobody tells us when somebody who only looks on leaves. */
const VIEWED_S = 86_400

type WithdrawDeps = Pick<Deps, 'database' | 'clock' | 'docServer' | 'events' | 'log'>

/**
 * Drops from open sessions whoever was let in only by what has ended: a revoked or expired key,
 * embed or link. What they typed is saved before; a page cannot keep what it had. @returns how many
 */
export async function withdrawEnded(deps: WithdrawDeps): Promise<number> {
  const { database, docServer, clock, log } = deps
  await pruneAdmissions(database, afterSeconds(clock(), -KEPT_S))
  if (docServer === undefined) return 0
  const ended = new Set<string>()
  for (const by of await lettingIn(database, afterSeconds(clock(), -VIEWED_S))) {
    if (!(await stillLetsIn(deps, by))) ended.add(by)
  }
  if (ended.size === 0) return 0
  const admissions = await admissionsBeside(database, [...ended])
  let dropped = 0
  for (const [key, rows] of Map.groupBy(admissions, (row) => row.session_key)) {
    const over = rows.filter(({ by }) => ended.has(by))
    if (over.length === 0) continue
    const staying = new Set(rows.filter(({ by }) => !ended.has(by)).map(({ user_id }) => user_id))
    const users = [...new Set(over.map(({ user_id }) => user_id))].filter((id) => !staying.has(id))
    await dropUsers(deps, key, users, over)
    dropped += users.length
  }
  if (dropped > 0) log.info({ users: dropped }, 'users dropped whose permission has ended')
  return dropped
}

async function dropUsers(
  deps: WithdrawDeps,
  key: string,
  users: string[],
  over: AdmissionRow[],
): Promise<void> {
  try {
    if (users.length > 0) {
      await saveWhatIsTyped(deps, key)
      await deps.docServer?.drop(key, users)
    }
    for (const row of over) await deleteAdmission(deps.database, row)
  } catch (error) {
    deps.log.warn({ err: error, key }, 'users not dropped yet, tried again at the next round')
  }
}

async function stillLetsIn({ database, clock }: WithdrawDeps, by: string): Promise<boolean> {
  const now = clock().toISOString()
  const [kind, id = '', keyId] = by.split(':')
  if (kind === 'embed') {
    if (await isEmbedRevoked(database, id)) return false
    return keyId === undefined || isKeyWorking(database, keyId, now)
  }
  if (kind === 'link') {
    const link = await linkById(database, id)
    if (link === undefined || !isWorking(link, now)) return false
    return link.api_key_id === null || isKeyWorking(database, link.api_key_id, now)
  }
  return isKeyWorking(database, id, now)
}

async function isKeyWorking(database: Deps['database'], id: string, now: string): Promise<boolean> {
  const key = await apiKeyById(database, id)
  return key !== undefined && key.revoked_at === null && (key.expires_at === null || key.expires_at > now)
}
