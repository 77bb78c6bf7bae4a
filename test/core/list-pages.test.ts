import fc from 'fast-check'
import { expect, test } from 'vitest'
import { listDocuments } from '../../src/core/list-documents.ts'
import { SORT_COLUMNS } from '../../src/metadata/document-list.ts'
import { insertDocument } from '../../src/metadata/documents.ts'
import { clientOf, newRow, OURS, type Rows, startRows, THEIRS } from './document-rows.ts'

const NOW = '2026-11-22T08:00:00.000Z'
const ORDERS = SORT_COLUMNS.flatMap((sortBy) =>
  [true, false].map((isDescending) => ({ sortBy, isDescending })),
)

test('pages by cursor give every document once in every order, while others are added', async () => {
  await using rows = await startRows()
  const made = new Set<string>()
  for (let number = 0; number < 25; number++) {
    // Equal values on purpose: five of each.
    const same = number % 5
    const at = `2026-11-2${same}T08:00:00.000Z`
    const change = { size: same, file_type: ['docx', 'xlsx', 'pptx', 'odt', 'csv'][same] ?? 'docx' }
    made.add((await rows.insert(`Title ${same}`, { ...change, created_at: at, updated_at: at })).id)
  }
  await rows.insert('Not ours', { workspace_id: THEIRS })

  for (const order of ORDERS) {
    const seen: string[] = []
    for (let cursor: string | undefined, page = 0; page === 0 || cursor !== undefined; page++) {
      const options = { ...order, skip: 0, take: 4, cursor }
      const { documents, nextCursor } = await listDocuments(rows, clientOf(OURS), options)
      seen.push(...documents.map(({ id }) => id))
      cursor = nextCursor
      await rows.insert(`Title ${page % 5}`, { size: page % 5, updated_at: '2026-11-22T08:00:00.000Z' })
    }
    const ours = seen.filter((id) => made.has(id))
    expect(ours.toSorted(), order.sortBy).toEqual([...made].toSorted())
    expect(new Set(seen).size).toBe(seen.length)
  }
})

test('pages by skip are slices of the whole list, from either end', async () => {
  await using rows = await startRows()
  await rows.insertAll(Array.from({ length: 23 }, (_, number) => `Title ${number % 7}`))
  for (const order of ORDERS) {
    const page = async (skip: number, take: number) => {
      const { documents } = await listDocuments(rows, clientOf(OURS), { ...order, skip, take })
      return documents.map(({ id }) => id)
    }
    const all = await page(0, 100)
    expect(all).toHaveLength(23)
    for (const [skip, take] of [
      [0, 5],
      [11, 5],
      [12, 5],
      [17, 6],
      [20, 5],
      [22, 5],
      [23, 5],
      [40, 5],
      [3, 0],
    ] as const) {
      expect(await page(skip, take), `${skip}+${take}`).toEqual(all.slice(skip, skip + take))
    }
  }
})

const MANY_QUERIES_MS = 240_000

test('counts agree with the documents after whatever happens to them', {
  timeout: MANY_QUERIES_MS,
}, async () => {
  await using rows = await startRows()
  const index = fc.nat({ max: 20 })
  const folder = fc.constantFrom('/', '/a', '/a/b', '/a-b', '/ä')
  const type = fc.constantFrom('docx', 'xlsx', 'md')
  const step = fc.oneof(
    fc.record({ do: fc.constant('insert' as const), folder, type, workspace: fc.constantFrom(OURS, THEIRS) }),
    fc.record({ do: fc.constant('move' as const), index, folder }),
    fc.record({ do: fc.constant('retype' as const), index, type }),
    fc.record({ do: fc.constantFrom('delete' as const, 'undelete' as const, 'erase' as const), index }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      for (const it of steps) {
        if (it.do === 'insert') {
          await rows.insert('Title', { folder: it.folder, file_type: it.type, workspace_id: it.workspace })
          continue
        }
        const all = await rows.database.selectFrom('documents').selectAll().orderBy('id').execute()
        const document = all[it.index % Math.max(all.length, 1)]
        if (document === undefined) continue
        if (it.do === 'move') await rows.update(document.id, { folder: it.folder })
        if (it.do === 'retype') await rows.update(document.id, { file_type: it.type })
        if (it.do === 'delete') await rows.update(document.id, { deleted_at: NOW })
        if (it.do === 'undelete') await rows.update(document.id, { deleted_at: null })
        if (it.do === 'erase') await rows.erase(document)
      }
      await expectTrueCounts(rows)
    }),
    { numRuns: 40 },
  )
})

async function expectTrueCounts(rows: Rows): Promise<void> {
  const documents = await rows.database.selectFrom('documents').selectAll().execute()
  for (const workspaceId of [OURS, THEIRS]) {
    for (const isDeleted of [false, true]) {
      for (const [path, isDeep] of [
        ['/', true],
        ['/', false],
        ['/a', true],
        ['/a', false],
        ['/ä', true],
      ] as const) {
        for (const kind of [undefined, 'Docs', 'Sheet'] as const) {
          const options = { skip: 0, take: 1000, isDeleted, folder: { path, isDeep }, type: kind }
          const { totalCount, documents: listed } = await listDocuments(rows, clientOf(workspaceId), options)
          const expected = documents.filter(
            (row) =>
              row.workspace_id === workspaceId &&
              (row.deleted_at !== null) === isDeleted &&
              (row.folder === path || (isDeep && row.folder.startsWith(path === '/' ? '/' : `${path}/`))) &&
              (kind === undefined || (row.file_type === 'xlsx') === (kind === 'Sheet')),
          )
          expect(totalCount).toBe(expected.length)
          expect(listed.map(({ id }) => id).toSorted()).toEqual(expected.map(({ id }) => id).toSorted())
        }
      }
    }
  }
}

test('a filter that many fit and one that few fit give the same documents', async () => {
  await using rows = await startRows()
  await rows.database.transaction().execute(async (tx) => {
    for (let number = 0; number < 1700; number++) {
      const folder = number % 17 === 0 ? '/few' : '/many/deep'
      await insertDocument(tx, newRow(`Title ${number % 100}`, { folder, size: number % 10 }))
    }
  })
  for (const order of ORDERS) {
    for (const [path, isDeep, count] of [
      ['/few', false, 100],
      ['/many', true, 1600],
      ['/many/deep', false, 1600],
    ] as const) {
      const options = { ...order, skip: 0, take: 2000 }
      const narrowed = await listDocuments(rows, clientOf(OURS), { ...options, folder: { path, isDeep } })
      const { documents } = await listDocuments(rows, clientOf(OURS), options)
      const expected = documents.filter((row) => row.folder === path || row.folder.startsWith(`${path}/`))
      expect(narrowed.totalCount).toBe(count)
      expect(narrowed.documents.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
    }
  }
})
