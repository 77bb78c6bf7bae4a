import type { Link } from '../../core/sharing/links.ts'
import { shownTime, shownTitle } from '../files/shown.ts'

/** The most that is granted, in words; the first that fits. */
const WORDS = [
  ['edit', 'edit'],
  ['review', 'suggest changes'],
  ['comment', 'comment'],
  ['fillForms', 'fill in'],
] as const

const STATES = { working: 'Works', expired: 'Expired', revoked: 'Revoked' } as const

/** `edit, without downloading` */
export function shownGrants(given: unknown): string {
  const grants: unknown[] = Array.isArray(given) ? given : []
  const most = WORDS.find(([grant]) => grants.includes(grant))?.[1] ?? 'look'
  return grants.includes('download') ? most : `${most}, without downloading`
}

/** @param now ISO 8601, UTC */
export function linkShown(link: Link, now: string) {
  const { id, grants, user, options, madeBy, createdAt, expiresAt, revokedAt } = link
  const isExpired = expiresAt !== null && expiresAt <= now
  const state = revokedAt !== null ? 'revoked' : isExpired ? 'expired' : 'working'
  return {
    id,
    whom: user === null ? 'Guests' : shownTitle(user.name),
    may: shownGrants(grants),
    state,
    stateWords: STATES[state],
    madeBy: shownTitle(madeBy),
    createdAt,
    created: shownTime(createdAt),
    endAt: revokedAt ?? expiresAt,
    end: shownTime(revokedAt ?? expiresAt ?? ''),
    endWords: revokedAt !== null ? 'revoked' : isExpired ? 'ended' : 'until',
    watermark: options.watermark,
  }
}
