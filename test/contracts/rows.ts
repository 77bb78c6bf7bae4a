import { expect, test } from 'vitest'
import type { Database } from '../../src/metadata/schema.ts'
import { claimDueSessions, currentSession, insertSessionIfNone } from '../../src/metadata/sessions.ts'
import { claimThumbnail, wantThumbnail } from '../../src/metadata/thumbnails.ts'
import { allocateUpdates, beginEpoch } from '../../src/metadata/updates.ts'
import { insertVersion } from '../../src/metadata/versions.ts'
import { OURS, type Rows } from '../core/document-rows.ts'

/** An installation without documents, and its database as another node opened it: SQLite has one. */
export type Installation = AsyncDisposable & { rows: Rows; other: Database }

const NOW = '2026-11-22T08:00:00.000Z'
const LATER = '2026-11-22T08:01:00.000Z'

/** What every database must do where several meet, whichever engine it is. */
export function rowsContract(open: () => Promise<Installation>): void {
  test('many who open a document at once share one session', async () => {
    await using installation = await open()
    const { rows, other } = installation
    const { id, versionId } = await documentIn(rows)
    const opening = (db: Database, key: string) =>
      db.transaction().execute(async (tx) => {
        const row = { key, document_id: id, base_version_id: versionId, editors: '[]', opened_at: NOW }
        await insertSessionIfNone(tx, row)
        return (await currentSession(tx, id))?.key
      })
    const keys = await Promise.all(
      Array.from({ length: 20 }, (_, at) => opening(at % 2 === 0 ? rows.database : other, `key-${at}`)),
    )
    expect(new Set(keys).size).toBe(1)
    expect(keys[0]).toMatch(/^key-\d+$/)
  })

  test('what is due is taken by one of many', async () => {
    await using installation = await open()
    const { rows, other } = installation
    const { id, versionId } = await documentIn(rows)
    await insertSessionIfNone(rows.database, {
      key: 'due',
      document_id: id,
      base_version_id: versionId,
      editors: '[]',
      opened_at: NOW,
      next_forcesave_at: NOW,
    })
    const due = { now: NOW, farAhead: '2027-01-01T00:00:00.000Z', nextAt: LATER, most: 16 }
    const claimed = await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        (at % 2 === 0 ? rows.database : other).transaction().execute((tx) => claimDueSessions(tx, due)),
      ),
    )
    expect(claimed.flat().map(({ key }) => key)).toEqual(['due'])

    const picture = { source_sha256: 'a'.repeat(64), file_type: 'docx', width: 200 }
    await wantThumbnail(rows.database, picture, { now: NOW, most: 10 })
    const taken = await Promise.all(
      [rows.database, other, rows.database, other].map((db) =>
        claimThumbnail(db, { now: NOW, until: LATER }),
      ),
    )
    expect(taken.filter((row) => row !== undefined)).toHaveLength(1)
  })

  test('sequence numbers have neither gaps nor doubles', async () => {
    await using installation = await open()
    const { rows, other } = installation
    const { id } = await documentIn(rows)
    await rows.database.transaction().execute((tx) => beginEpoch(tx, { documentId: id, epoch: 1 }))
    const allocated = await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const count = 1 + (at % 3)
        const wanted = { count, bytes: 10 * count, mostBytes: 1_000_000 }
        const stored = await (at % 2 === 0 ? rows.database : other)
          .transaction()
          .execute((tx) => allocateUpdates(tx, { documentId: id, epoch: 1 }, wanted))
        return Array.from({ length: count }, (_one, index) => Number(stored?.last_seq) - index)
      }),
    )
    const numbers = allocated.flat().toSorted((a, b) => a - b)
    expect(numbers).toEqual(Array.from({ length: 60 }, (_, at) => at + 1))
  })

  test('a transaction that fails leaves nothing behind', async () => {
    await using installation = await open()
    const { rows, other } = installation
    const failing = rows.database.transaction().execute(async (tx) => {
      await tx.insertInto('workspaces').values({ id: 'half', name: 'half', created_at: NOW }).execute()
      throw new Error('in the middle')
    })
    await expect(failing).rejects.toThrow('in the middle')
    expect(await other.selectFrom('workspaces').select('id').where('id', '=', 'half').execute()).toEqual([])
  })

  test('text is compared byte by byte, and found by its parts', async () => {
    await using installation = await open()
    const { rows } = installation
    await rows.insertAll(['zoo', 'Ärger', 'apple', 'Zebra', '100 % sure', 'under_score', 'back\\slash'])
    expect(await rows.titles({ sortBy: 'title', isDescending: false })).toEqual([
      '100 % sure',
      'Zebra',
      'apple',
      'back\\slash',
      'under_score',
      'zoo',
      'Ärger',
    ])
    expect(await rows.titles({ search: '%' })).toEqual(['100 % sure'])
    expect(await rows.titles({ search: 'r_s' })).toEqual(['under_score'])
    expect(await rows.titles({ search: 'k\\s' })).toEqual(['back\\slash'])
    expect(await rows.titles({ search: 'arger' })).toEqual(['Ärger'])
  })
}

async function documentIn({ database, insert }: Rows): Promise<{ id: string; versionId: string }> {
  const { id, head_version_id: versionId, size, file_type } = await insert('Report', { workspace_id: OURS })
  await database.transaction().execute((tx) =>
    insertVersion(tx, {
      id: versionId,
      document_id: id,
      number: 1,
      kind: 'upload',
      key: `key-of-${versionId}`,
      sha256: 'b'.repeat(64),
      size,
      file_type,
      author_id: 'ann',
      author_name: 'Ann',
      created_at: NOW,
      updated_at: NOW,
    }),
  )
  return { id, versionId }
}
