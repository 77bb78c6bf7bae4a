import { existsSync } from 'node:fs'
import { open, rm, truncate } from 'node:fs/promises'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { backUp } from '../../src/maintenance/backup.ts'
import { readManifest } from '../../src/maintenance/backup-folder.ts'
import { NO_PROGRESS } from '../../src/maintenance/progress.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import {
  BLOB_COLUMNS,
  countMentionedBlobs,
  mentionedAmong,
  mentionedBlobs,
} from '../../src/metadata/mentions.ts'
import { freshFolder, runCli } from '../cli/run.ts'
import { startApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { insertSubmission } from '../support/submissions.ts'
import { blobOf, flipByte, placesIn, uploadSome } from './scene.ts'

test('all is well in a folder where nothing is wrong', async () => {
  await using app = await startApp()
  await uploadSome(app, 5)
  const run = await runCli(app, 'verify', '--json')
  expect([run.code, run.json]).toMatchObject([0, { blobs: 5, faults: [], databaseFaults: [] }])
})

test.each([
  ['missing', 'missing', (path: string) => rm(path)],
  ['damaged', 'damaged', flipByte],
  ['cut', 'damaged', (path: string) => truncate(path, 100)],
  ['empty', 'damaged', (path: string) => truncate(path, 0)],
])(
  'a %s blob is named with its document, and the service answers 500 rather than wrong bytes',
  async (_name, problem, harm) => {
    await using app = await startApp()
    const [, id = ''] = await uploadSome(app, 3)
    // Longer than what is kept in memory.
    const long = await app.upload('long.txt', Buffer.alloc(3_000_000, 'Long text. '))
    for (const one of [id, long]) await harm(await blobOf(app, one))

    const run = await runCli(app, 'verify', '--json')
    expect(run.code).toBe(1)
    const { faults } = run.json as {
      faults: {
        problem: string
        mentionedBy: { documentId: string; title: string; versionNumber: number }[]
      }[]
    }
    expect(faults.map((fault) => fault.problem)).toEqual([problem, problem])
    const named = faults.flatMap(({ mentionedBy }) => mentionedBy)
    expect(named.map((one) => one.documentId).sort()).toEqual([id, long].sort())
    expect(named).toContainEqual(
      expect.objectContaining({ documentId: id, title: 'Document 1', versionNumber: 1 }),
    )
    expect((await runCli(app, 'verify')).stdout).toMatch(/“Document 1”, version 1: blob [0-9a-f]{64} .* is /)

    for (const one of [id, long]) {
      expect((await app.fetch(`/api/documents/${one}/download`)).status).toBe(500)
      const part = await app.fetch(`/api/documents/${one}/download`, { headers: { range: 'bytes=10-80' } })
      expect(part.status).toBe(500)
    }
  },
)

test('a damaged blob is whole again once the same bytes are uploaded', async () => {
  await using app = await startApp()
  const bytes = makeDocx(['Healed'])
  const id = await app.upload('a.docx', bytes)
  await flipByte(await blobOf(app, id))
  expect((await app.fetch(`/api/documents/${id}/download`)).status).toBe(500)
  await app.upload('b.docx', bytes)
  expect(await app.download(id)).toEqual(bytes)
})

test('a blob that no row mentions is read too, one whose row went meanwhile is no fault', async () => {
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 1)
  const path = await blobOf(app, id)
  await app.deps.database.updateTable('versions').set({ deleted_at: '2026-01-01T00:00:00.000Z' }).execute()
  expect((await runCli(app, 'verify')).code).toBe(0)
  await flipByte(path)
  expect((await runCli(app, 'verify')).stdout).toContain('no row mentions it')
  await rm(path)
  expect((await runCli(app, 'verify')).code).toBe(0)
})

test('the blob of a submission counts, and a row of another size than its blob is named', async () => {
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 1)
  await insertSubmission(app.deps, id, Buffer.from('never stored'))
  await app.deps.database.updateTable('versions').set({ size: 7 }).execute()
  const { json } = await runCli(app, 'verify', '--json')
  expect(json).toMatchObject({
    faults: expect.arrayContaining([
      expect.objectContaining({
        problem: 'missing',
        mentionedBy: [expect.objectContaining({ what: 'submission' })],
      }),
      expect.objectContaining({ problem: 'of another size than its row says' }),
    ]),
  })
})

test('every column with the address of a blob is known', async () => {
  await using app = await startApp()
  const tables = await app.deps.database.introspection.getTables()
  const columns = tables.flatMap(({ name, columns }) => columns.map((column) => `${name}.${column.name}`))
  // What a file elsewhere holds, what a thumbnail was drawn from and what is being deleted keep no blob.
  const others = ['remote_files.sha256', 'thumbnails.source_sha256', 'blob_deletions.sha256']
  expect(columns.filter((name) => name.endsWith('sha256') && !others.includes(name)).sort()).toEqual(
    BLOB_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort(),
  )
})

test('every blob that is mentioned is given once, page by page, and the sweeper spares it', async () => {
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 1)
  const { database } = app.deps
  const wanted = new Set<string>()
  await database.transaction().execute(async (tx) => {
    for (let at = 0; at < 2500; at += 1) {
      const sha256 = at.toString(16).padStart(64, '0')
      wanted.add(sha256)
      await tx
        .insertInto('attachments')
        .values({ sha256, document_id: id, expires_at: '2027-01-01T00:00:00.000Z' })
        .execute()
    }
  })
  const found: string[] = []
  for await (const { sha256 } of mentionedBlobs(database)) found.push(sha256)
  expect(new Set(found).isSupersetOf(wanted)).toBe(true)
  expect([found.length, await countMentionedBlobs(database)]).toEqual([2501, 2501])
  expect(found).toEqual([...found].sort())
  expect(await mentionedAmong(database, [...found.slice(-300), 'f'.repeat(64)])).toEqual(
    new Set(found.slice(-300)),
  )
})

test('an installation without a blob is well, and so is its backup', async () => {
  await using folder = await freshFolder()
  const database = await openDatabase(`sqlite:${folder.at('data', 'metadata.sqlite')}`)
  await database.destroy()
  const data = { dataDir: folder.at('data') }
  expect((await runCli(data, 'verify')).stdout).toContain('All is well')
  const deps = { places: placesIn(data.dataDir), clock: () => new Date(), progress: NO_PROGRESS }
  await backUp(deps, folder.at('backup'))
  expect((await runCli(data, 'verify', '--backup', folder.at('backup'))).code).toBe(0)
})

test('what SQLite cannot read of the database is named beside what is wrong with the blobs', async () => {
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 2)
  await flipByte(await blobOf(app, id))
  await app.close()
  await using folder = await freshFolder()
  const backingUp = { places: placesIn(app.dataDir), clock: () => new Date(), progress: NO_PROGRESS }
  const { manifest } = await backUp(backingUp, folder.at('backup'))
  const path = `${app.dataDir}/metadata.sqlite`
  const sqlite = new Sqlite(path)
  const { rootpage } = sqlite.prepare(`select rootpage from sqlite_master where name = 'api_keys'`).get() as {
    rootpage: number
  }
  const size = sqlite.pragma('page_size', { simple: true }) as number
  sqlite.close()
  await using file = await open(path, 'r+')
  await file.write(Buffer.alloc(size, 0xa5), 0, size, (rootpage - 1) * size)

  const run = await runCli(app, 'verify', '--json')
  expect([run.code, run.json]).toMatchObject([
    1,
    { databaseFaults: [expect.any(String)], faults: [{ problem: 'damaged' }] },
  ])
  const listed = await runCli(app, 'keys', 'list', '--json')
  expect([listed.code, listed.json]).toMatchObject([1, { code: 'database-damaged' }])

  // The earlier backup is the way back.
  await expect(backUp(backingUp, folder.at('backup'))).rejects.toMatchObject({ code: 'SQLITE_CORRUPT' })
  expect(await readManifest(folder.at('backup'))).toEqual(manifest)
  expect(existsSync(folder.at('backup', manifest.database.name))).toBe(true)
})
