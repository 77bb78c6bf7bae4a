import { readFileSync, writeFileSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { backUp } from '../../src/maintenance/backup.ts'
import { NO_PROGRESS } from '../../src/maintenance/progress.ts'
import { freshFolder, runCli } from '../cli/run.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { blobOf, flipByte, placesIn, uploadSome } from './scene.ts'

function backUpTo(app: TestApp, folder: string) {
  return backUp({ places: placesIn(app.dataDir), clock: () => new Date(), progress: NO_PROGRESS }, folder)
}

/** Where a document's bytes lie in a backup. */
async function copyOf(app: TestApp, id: string, folder: string): Promise<string> {
  return (await blobOf(app, id)).replace(app.dataDir, folder)
}

test('a blob that was cut since is named, and the backup keeps the whole one that it has', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 2)
  await backUpTo(app, folder.at('backup'))
  const path = await blobOf(app, id)
  const whole = readFileSync(path)
  await fs.truncate(path, 100)
  const { faults, copied } = await backUpTo(app, folder.at('backup'))
  expect(faults).toMatchObject([{ problem: 'damaged', mentionedBy: [{ documentId: id }] }])
  expect([copied, readFileSync(await copyOf(app, id, folder.at('backup')))]).toEqual([0, whole])
})

test('what cannot be read is named, and all else is backed up', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const [id = '', other = ''] = await uploadSome(app, 2)
  const path = await blobOf(app, id)
  await fs.rm(path)
  // Opens, and fails when it is read, as a bad sector does.
  await fs.mkdir(path)
  const { faults, copied } = await backUpTo(app, folder.at('backup'))
  expect(faults).toMatchObject([{ problem: 'unreadable', mentionedBy: [{ documentId: id }] }])
  expect([copied, readFileSync(await copyOf(app, other, folder.at('backup')))]).toEqual([
    1,
    readFileSync(await blobOf(app, other)),
  ])
})

test('a blob whose row is wrong about its size is backed up all the same', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 1)
  await app.deps.database.updateTable('versions').set({ size: 7 }).execute()
  const { faults, manifest } = await backUpTo(app, folder.at('backup'))
  expect([faults, manifest.counts.blobs]).toEqual([[], 1])
  expect(readFileSync(await copyOf(app, id, folder.at('backup')))).toEqual(
    readFileSync(await blobOf(app, id)),
  )
})

test('damage that a backup took along is mended there once the bytes are whole again', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const bytes = makeDocx(['Healed'])
  const id = await app.upload('a.docx', bytes)
  await flipByte(await blobOf(app, id))
  await backUpTo(app, folder.at('backup'))
  await app.upload('b.docx', bytes)
  await backUpTo(app, folder.at('backup'))
  expect(readFileSync(await copyOf(app, id, folder.at('backup')))).toEqual(bytes)
})

test('what a power cut took of a run that did not end is copied again', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const [id = ''] = await uploadSome(app, 2)
  await backUpTo(app, folder.at('backup'))
  await fs.rm(folder.at('backup', 'manifest.json'))
  const path = await copyOf(app, id, folder.at('backup'))
  const bytes = readFileSync(path)
  writeFileSync(path, Buffer.alloc(bytes.length))
  expect(await backUpTo(app, folder.at('backup'))).toMatchObject({ copied: 1, skipped: 1, faults: [] })
  expect(readFileSync(path)).toEqual(bytes)
})

test('neither the backup nor the data of another installation is overwritten, nor a file beside', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  await using other = await startApp({ env: { ADMIN_TOKEN: '' } })
  await uploadSome(app, 1)
  await backUpTo(app, folder.at('backup'))
  const manifest = readFileSync(folder.at('backup', 'manifest.json'))
  await expect(backUpTo(other, folder.at('backup'))).rejects.toMatchObject({ code: 'folder-unsuitable' })
  expect(readFileSync(folder.at('backup', 'manifest.json'))).toEqual(manifest)

  const secrets = readFileSync(`${other.dataDir}/secrets.json`)
  await other.close()
  await expect(backUpTo(app, other.dataDir)).rejects.toMatchObject({ code: 'folder-unsuitable' })
  expect(readFileSync(`${other.dataDir}/secrets.json`)).toEqual(secrets)

  await fs.writeFile(folder.at('backup', 'metadata-of-mine.sqlite'), 'mine')
  await backUpTo(app, folder.at('backup'))
  expect(readFileSync(folder.at('backup', 'metadata-of-mine.sqlite'), 'utf8')).toBe('mine')
})

test('verify names a backup whose database or secrets are not those that were backed up', async () => {
  await using folder = await freshFolder()
  await using app = await startApp({ env: { ADMIN_TOKEN: '' } })
  await uploadSome(app, 1)
  const { manifest } = await backUpTo(app, folder.at('backup'))
  const verified = () => runCli(app, 'verify', '--backup', folder.at('backup'), '--json')
  const database = new Sqlite(folder.at('backup', manifest.database.name))
  // Sound for SQLite, and another one all the same.
  database.exec(`update documents set title = 'Another'`)
  database.close()
  expect(await verified()).toMatchObject({ code: 1, json: { code: 'backup-unreadable' } })

  await backUpTo(app, folder.at('backup'))
  await fs.rm(folder.at('backup', 'secrets.json'))
  expect(await verified()).toMatchObject({ code: 1, json: { code: 'backup-unreadable' } })
})
