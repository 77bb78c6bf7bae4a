import type { Caller } from '../../src/core/callers.ts'
import { type ListOptions, listDocuments } from '../../src/core/list-documents.ts'
import { SORT_COLUMNS } from '../../src/metadata/document-list.ts'
import { client, MILLION, OLD_FOLDER, ONE_CLIENT, seededMillion, WIDE_FOLDER } from './million.ts'
import { p99 } from './percentile.ts'
import { below, type Result } from './results.ts'

const TAKE = 20
const MOST_MS = 2
const MOST_SKIPPING_MS = 100
/** Pages of the cursor row. */
const DEEP_SKIP = 900_000

/** Pages of a million documents with their total count, from the use-case downwards. */
export async function list(): Promise<Result[]> {
  const database = await seededMillion()
  const page = (options: Partial<ListOptions>, caller: Caller = client) =>
    listDocuments({ database }, caller, { skip: 0, take: TAKE, ...options })
  const orders = SORT_COLUMNS.flatMap((sortBy) =>
    [true, false].map((isDescending) => ({ sortBy, isDescending })),
  )
  const everyOrder = (options: Partial<ListOptions>, caller?: Caller) => (number: number) =>
    page({ ...orders[number % orders.length], ...options }, caller)
  const folder = (path: string, isDeep: boolean) => ({ folder: { path, isDeep } })

  const rows: [name: string, call: (number: number) => Promise<unknown>][] = [
    ['newest first', () => page({})],
    ...orders.map((order): [string, () => Promise<unknown>] => [
      `by ${order.sortBy} ${order.isDescending ? 'down' : 'up'}`,
      () => page(order),
    ]),
    ['one type', (number) => page({ type: (['Docs', 'Sheet', 'Slide'] as const)[number % 3] })],
    ['one type, every order', everyOrder({ type: 'Sheet' })],
    ['a folder', () => page(folder('/', false))],
    ['a folder, every order', everyOrder(folder(ONE_CLIENT, false))],
    ['a folder and below', everyOrder(folder(ONE_CLIENT, true))],
    ['half of all folders', () => page(folder(WIDE_FOLDER, true))],
    ['trash, every order', everyOrder({ isDeleted: true })],
    ['administrator, every order', everyOrder({}, { kind: 'administrator' })],
  ]
  const results: Result[] = []
  for (const [name, call] of rows) {
    results.push(below(`list ${TAKE} of 1,000,000, ${name}, p99 ms`, { ours: await p99(call) }, MOST_MS))
  }

  const { nextCursor } = await page({ skip: DEEP_SKIP })
  const deep = await p99(() => page({ cursor: nextCursor }))
  results.push(below(`list, cursor after ${DEEP_SKIP.toLocaleString('en')}, p99 ms`, { ours: deep }, MOST_MS))
  const slow: [string, (number: number) => Promise<unknown>][] = [
    [`skip ${DEEP_SKIP.toLocaleString('en')}`, everyOrder({ skip: DEEP_SKIP })],
    [`skip ${(MILLION / 2).toLocaleString('en')}`, everyOrder({ skip: MILLION / 2 })],
    ['folder of the oldest tenth, newest first', () => page({ ...folder(OLD_FOLDER, true), type: 'Slide' })],
    [
      'one type by type',
      (number) => page({ type: 'Docs', sortBy: 'file_type', isDescending: number % 2 === 0 }),
    ],
  ]
  for (const [name, call] of slow) {
    results.push(below(`list, ${name}, p99 ms`, { ours: await p99(call, 50) }, MOST_SKIPPING_MS))
  }
  return results
}
