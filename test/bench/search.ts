import type { Caller } from '../../src/core/callers.ts'
import { listDocuments } from '../../src/core/list-documents.ts'
import { LARGE, SMALL, seededMillion } from './million.ts'
import { p99 } from './percentile.ts'
import { below, type Result } from './results.ts'
import { APART, COMMON, RARE, SELDOM } from './titles.ts'

const TAKE = 20
const MOST_MS = 10
const MOST_SHORT_MS = 100

const administrator: Caller = { kind: 'administrator' }

/** A page of what is found among a million titles with its total count, from the use-case downwards. */
export async function search(): Promise<Result[]> {
  const database = await seededMillion()
  const large = clientOf(LARGE)
  const found = (text: string, caller: Caller, isDeleted = false) =>
    listDocuments({ database }, caller, { skip: 0, take: TAKE, search: text, isDeleted })

  const rows: [name: string, text: string, caller: Caller][] = [
    ['in half of all', COMMON, large],
    ['in a thousandth', SELDOM, large],
    ['in ten', RARE, large],
    ['in none', 'nowhere', large],
    ['Chinese', '季度报告', large],
    ['two words', `${COMMON} Budget`, large],
    ['a common and a seldom word', `${COMMON} ${SELDOM}`, large],
    ['three words', `${COMMON} Budget Jürgen`, large],
    ['only in others', COMMON, clientOf(SMALL)],
    ['only in small ones', 'choir', large],
    ['own, in a small one', 'choir', clientOf(SMALL)],
    ['in half, administrator', COMMON, administrator],
    ['in a thousandth, administrator', SELDOM, administrator],
    ['in ten, administrator', RARE, administrator],
  ]
  const results: Result[] = []
  const measure = async (name: string, most: number, call: () => Promise<unknown>, calls: number) => {
    results.push(below(`search 1,000,000, ${name}, p99 ms`, { ours: await p99(call, calls) }, most))
  }
  for (const [name, text, caller] of rows) await measure(name, MOST_MS, () => found(text, caller), 100)

  const slow: [name: string, call: () => Promise<unknown>][] = [
    ['two letters', () => found('zq', large)],
    ['two Chinese characters', () => found('季度', large)],
    ['two letters, administrator', () => found('zq', administrator)],
    ['two letters in the trash', () => found('zq', large, true)],
    ['a common word and two letters', () => found(`${COMMON} zq`, large)],
    ['two common words that never meet', () => found(APART.join(' '), large)],
  ]
  for (const [name, call] of slow) await measure(name, MOST_SHORT_MS, call, 50)
  return results
}

function clientOf(workspaceId: string): Caller {
  return { kind: 'client', id: 'bench', name: 'Bench', workspaceId, permissions: ['documents:read'] }
}
