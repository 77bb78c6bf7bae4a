import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { expect, test } from 'vitest'
import { listDocuments } from '../../src/core/list-documents.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import { updateDocument } from '../../src/metadata/documents.ts'
import { MIGRATIONS } from '../../src/metadata/migrations/index.ts'
import { clientOf } from './document-rows.ts'

const WORKSPACES = ['ours', 'theirs']
const TIME = '2026-11-20T08:00:00.000Z'
const OLD = [
  { title: 'Übersicht Café', deletedAt: null },
  { title: '季度报告', deletedAt: null },
  { title: 'Übersicht of the past', deletedAt: '2026-11-21T08:00:00.000Z' },
]

/** As a release wrote it that knew neither folders nor search. */
async function writeOld(path: string): Promise<void> {
  const sqlite = new Sqlite(path)
  const database = new Kysely<unknown>({ dialect: new SqliteDialect({ database: sqlite }) })
  const migrator = new Migrator({ db: database, provider: { getMigrations: async () => MIGRATIONS } })
  const { error } = await migrator.migrateTo('0003-presence')
  if (error) throw error
  const insert = sqlite.prepare(`insert into documents (
      id, workspace_id, title, file_type, head_version_id, last_version_number, size, created_by, created_at,
      updated_at, deleted_at
    ) values (?, ?, ?, 'docx', 'v', 1, 10, 'ann', ?, ?, ?)`)
  for (const workspace of WORKSPACES) {
    sqlite.prepare('insert into workspaces values (?, ?, ?)').run(workspace, workspace, TIME)
    for (const { title, deletedAt } of OLD) {
      insert.run(`${workspace} ${title}`, workspace, title, TIME, TIME, deletedAt)
    }
  }
  await database.destroy()
}

test('documents of an older release are listed, counted and found', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-'))
  const path = join(folder, 'metadata.sqlite')
  await writeOld(path)
  const database = await openDatabase(`sqlite:${path}`)
  const page = async (options: {
    search?: string
    isDeleted?: boolean
    folder?: { path: string; isDeep: boolean }
  }) => {
    const { documents, totalCount } = await listDocuments({ database }, clientOf('ours'), {
      skip: 0,
      take: 20,
      ...options,
    })
    expect(documents).toHaveLength(totalCount)
    expect(documents.every(({ workspace_id }) => workspace_id === 'ours')).toBe(true)
    return documents.map(({ title }) => title).toSorted()
  }

  expect(await page({})).toEqual(['Übersicht Café', '季度报告'])
  expect(await page({ folder: { path: '/', isDeep: false } })).toHaveLength(2)
  expect(await page({ isDeleted: true })).toEqual(['Übersicht of the past'])
  expect(await page({ search: 'ubersicht' })).toEqual(['Übersicht Café'])
  expect(await page({ search: '季度' })).toEqual(['季度报告'])
  expect(await page({ search: 'past', isDeleted: true })).toEqual(['Übersicht of the past'])

  await database.transaction().execute(async (tx) => {
    await updateDocument(tx, 'ours Übersicht of the past', { deleted_at: null })
    await updateDocument(tx, 'ours 季度报告', { title: 'Plan', folded_title: 'plan' })
  })
  expect(await page({ search: 'ubersicht' })).toEqual(['Übersicht Café', 'Übersicht of the past'])
  expect(await page({ search: 'plan' })).toEqual(['Plan'])
  expect(await page({ search: '季度' })).toEqual([])
  expect(await page({})).toHaveLength(3)
  await database.destroy()
  await rm(folder, { recursive: true, force: true })
})
