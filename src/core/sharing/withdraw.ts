import {
  type AdmissionRow,
  admissionsBeside,
  lettingIn,
  noteDropped,
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
/** A config opens the editor for an hour: who was dropped may come back with theirs until then. */
const CONFIG_S = 3600 + 600

type WithdrawDeps = Pick<Deps, 'database' | 'clock' | 'docServer' | 'events' | 'log'>

/**
 * Drops from open sessions whoever was let in only by what has ended: a revoked or expired key,
 * embed or link. What they typed is saved before. Who comes back with a config that they still hold
 * is dropped again. @returns how many
 */
export async function withdrawEnded(deps: WithdrawDeps): Promise<number> {
  const { database, docServer, clock, log } = deps
  const now = clock()
  await pruneAdmissions(database, {
    before: afterSeconds(now, -KEPT_S),
    droppedBefore: afterSeconds(now, -CONFIG_S),
  })
  if (docServer === undefined) return 0
  const ended = new Set<string>()
  const known = await lettingIn(database, afterSeconds(now, -VIEWED_S))
  for (const [by, rows] of Map.groupBy(known, (row) => row.by)) {
    if (rows.some((row) => isPast(row, now)) || !(await stillLetsIn(deps, by))) ended.add(by)
  }
  if (ended.size === 0) return 0
  const admissions = await admissionsBeside(database, [...ended])
  let dropped = 0
  for (const [key, rows] of Map.groupBy(admissions, (row) => row.session_key)) {
    const isOver = (row: AdmissionRow) => ended.has(row.by)
    const others = rows.filter((row) => !isOver(row))
    dropped += await dropFrom(deps, key, rows.filter(isOver), others)
  }
  if (dropped > 0) log.info({ users: dropped }, 'users dropped whose permission has ended')
  return dropped
}

/** @returns how many users were dropped */
async function dropFrom(
  deps: WithdrawDeps,
  key: string,
  over: AdmissionRow[],
  others: AdmissionRow[],
): Promise<number> {
  const { database, docServer, clock, log } = deps
  // A right to look on lets nobody go on editing.
  const leaving = over.filter(
    (row) => !others.some((other) => other.user_id === row.user_id && other.may_edit >= row.may_edit),
  )
  if (docServer === undefined || leaving.length === 0) return 0
  try {
    const isAgain = leaving.every((row) => row.dropped_at !== null)
    const present = isAgain ? ((await docServer.info(key)).users ?? []) : undefined
    const users = [...new Set(leaving.map((row) => row.user_id))].filter(
      (id) => present === undefined || present.includes(id),
    )
    if (users.length === 0) return 0
    await saveWhatIsTyped(deps, key)
    await docServer.drop(key, users)
    for (const row of leaving) await noteDropped(database, row, clock().toISOString())
    return users.length
  } catch (error) {
    log.warn({ err: error, key }, 'users not dropped yet, tried again at the next round')
    return 0
  }
}

function isPast({ expires_at }: Pick<AdmissionRow, 'expires_at'>, now: Date): boolean {
  return expires_at !== null && expires_at <= now.toISOString()
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
