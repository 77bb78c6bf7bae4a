import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { importFolder } from '../../src/maintenance/import.ts'
import { NO_PROGRESS } from '../../src/maintenance/progress.ts'
import { DEFAULT_WORKSPACE_ID } from '../../src/metadata/schema.ts'
import { freshFolder, runCli, startCli } from '../cli/run.ts'
import { auditStorage } from '../crash/audit.ts'
import { ADMIN_TOKEN, startApp } from '../support/app.ts'
import { fullDisk } from '../support/faulty-files.ts'
import { makeDocx, makeXlsx } from '../support/files.ts'
import { tree } from './scene.ts'

/** Each takes half a second on an idle machine. */
const MANY_PROCESSES_MS = 240_000

type ImportJson = { imported: number; known: number; skipped: { path: string; reason: string }[] }

async function write(path: string | Buffer, bytes: Buffer | string): Promise<void> {
  if (typeof path === 'string') await fs.mkdir(dirname(path), { recursive: true })
  await fs.writeFile(path, bytes)
}

async function someFiles(folder: string, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1)
    await write(`${folder}/part ${at % 7}/file ${at}.docx`, makeDocx([`File ${at}`]))
}

test('a folder comes in as it is, goes out as it was, and comes in only once', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const files = folder.at('files')
  await write(`${files}/Report.docx`, makeDocx(['Report']))
  await write(`${files}/sub/deep er/Zahlen für Jürgen.xlsx`, makeXlsx([['1']]))
  await write(`${files}/sub/Report.docx`, makeDocx(['Another report']))
  await write(`${files}/sub/note.txt`, '')
  const wanted = await tree(files)

  const first = await runCli(app, 'import', files, '--json')
  expect([first.code, first.json]).toMatchObject([0, { imported: 4, known: 0, skipped: [] }])
  const second = await runCli(app, 'import', files, '--json')
  expect([second.code, second.json]).toMatchObject([0, { imported: 0, known: 4, skipped: [] }])
  const list = await app.fetch('/api/documents?folder=/sub', { as: ADMIN_TOKEN })
  const { documents } = (await list.json()) as { documents: { title: string; createdBy: string }[] }
  expect(documents.map(({ title }) => title).sort()).toEqual(['Report', 'note'])

  const out = await runCli(app, 'export', folder.at('out'), '--workspace', 'default', '--json')
  expect([out.code, out.json]).toMatchObject([0, { exported: 4, failed: [] }])
  expect(await tree(folder.at('out'))).toEqual(wanted)
  const again = await runCli(app, 'export', folder.at('out'), '--json')
  expect([again.code, again.json]).toMatchObject([1, { code: 'folder-not-empty' }])
})

test('a file that changed becomes a further document, one from the trash does not come back', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  await write(folder.at('a.docx'), makeDocx(['One']))
  await write(folder.at('b.docx'), makeDocx(['Two']))
  await runCli(app, 'import', folder.path)
  await app.deps.database
    .updateTable('documents')
    .set({ deleted_at: '2026-11-21T08:00:00.000Z' })
    .where('title', '=', 'b')
    .execute()
  await write(folder.at('a.docx'), makeDocx(['One, changed']))
  expect((await runCli(app, 'import', folder.path, '--json')).json).toMatchObject({ imported: 1, known: 1 })
})

test('what cannot be kept is named and left out, and nothing outside the folder comes in', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const files = folder.at('files')
  await write(folder.at('outside', 'secret.docx'), makeDocx(['Outside']))
  await write(`${files}/good.docx`, makeDocx(['Good']))
  await write(`${files}/program.exe`, 'MZ')
  await write(`${files}/empty.docx`, '')
  await write(`${files}/lies.docx`, 'this is no docx')
  await write(`${files}/.hidden`, 'x')
  await write(`${files}/line\nbreak.txt`, 'x')
  await write(`${files}/\u001b[31mred/in.txt`, 'x')
  await write(Buffer.concat([Buffer.from(`${files}/`), Buffer.from([0xff, 0xfe]), Buffer.from('.txt')]), 'x')
  await write(`${files}/back\\slash.txt`, 'a name like any other')
  await write(`${files}/${'deep/'.repeat(33)}in.txt`, 'x')
  await fs.symlink(folder.at('outside', 'secret.docx'), `${files}/link.docx`)
  await fs.symlink(folder.at('outside'), `${files}/linked folder`)
  await fs.symlink('.', `${files}/loop`)

  const { code, json, stdout } = await runCli(app, 'import', files, '--json')
  const { imported, skipped } = json as ImportJson
  expect([code, imported]).toEqual([1, 2])
  expect(skipped.map(({ path }) => path).sort()).toEqual(
    [
      '.hidden',
      'deep/'.repeat(33).slice(0, -1),
      'empty.docx',
      'lies.docx',
      'line\uFFFDbreak.txt',
      'link.docx',
      'linked folder',
      'loop',
      'program.exe',
      '\uFFFD[31mred',
      '\uFFFD\uFFFD.txt',
    ].sort(),
  )
  expect(stdout).not.toContain('\u001b')
  const titles = await app.deps.database.selectFrom('documents').select('title').execute()
  expect(titles.map(({ title }) => title).sort()).toEqual(['back\\slash', 'good'])
})

test('the data folder is not taken into itself', async () => {
  await using app = await startApp()
  await app.upload('a.docx', makeDocx(['One']))
  await using folder = await freshFolder()
  await fs.cp(app.dataDir, folder.at('files', 'data'), { recursive: true })
  await write(folder.at('files', 'a.txt'), 'Beside the data')
  const { json } = await runCli(
    { dataDir: folder.at('files', 'data') },
    'import',
    folder.at('files'),
    '--json',
  )
  expect(json).toMatchObject({ imported: 1, skipped: [{ path: 'data' }] })

  await fs.symlink(folder.at('files'), folder.at('another path'))
  const known = await runCli(
    { dataDir: folder.at('files', 'data') },
    'import',
    folder.at('another path'),
    '--json',
  )
  expect(known.json).toMatchObject({ imported: 0, known: 1, skipped: [{ path: 'data' }] })
})

test('documents go into the workspace that is named, and into none that does not exist', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  await write(folder.at('files', 'a.docx'), makeDocx(['One']))
  const { json } = await runCli(app, 'keys', 'create', '--name', 'Team: one/two', '--json')
  const { workspaceId } = json as { workspaceId: string }
  expect((await runCli(app, 'import', folder.at('files'), '--workspace', workspaceId)).code).toBe(0)
  const rows = await app.deps.database.selectFrom('documents').select('workspace_id').execute()
  expect(rows).toEqual([{ workspace_id: workspaceId }])
  const lost = await runCli(app, 'import', folder.at('files'), '--workspace', 'nowhere', '--json')
  expect([lost.code, lost.json]).toMatchObject([1, { code: 'workspace-not-found' }])

  await runCli(app, 'export', folder.at('out'))
  expect([...(await tree(folder.at('out'))).keys()]).toEqual(['Team_ one_two/a.docx'])
})

test(
  'killed at any moment, an import goes on where it was and makes nothing twice',
  async () => {
    await using folder = await freshFolder()
    const data = { dataDir: folder.at('data') }
    await someFiles(folder.at('files'), 300)
    let kills = 0
    for (let round = 0; round < 5; round += 1) {
      const { child, ended } = startCli(data, 'import', folder.at('files'))
      await delay(400 + 120 * round)
      child.kill('SIGKILL')
      if ((await ended).code === null) kills += 1
    }
    expect(kills).toBeGreaterThan(0)
    const last = await runCli(data, 'import', folder.at('files'), '--json')
    const { imported, known } = last.json as ImportJson
    expect([last.code, imported + known]).toEqual([0, 300])
    const { faults, versions } = await auditStorage(data.dataDir)
    expect([faults, versions.length]).toEqual([[], 300])
  },
  MANY_PROCESSES_MS,
)

test('two imports of one folder at once make each document once, beside a service that goes on', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  await someFiles(folder.at('files'), 200)
  const imports = Promise.all([1, 2].map(() => runCli(app, 'import', folder.at('files'), '--json')))
  let isOver = false
  const uploads: string[] = []
  const uploading = (async () => {
    while (!isOver) uploads.push(await app.upload('beside.docx', makeDocx([String(uploads.length)])))
  })()
  const [ended] = await Promise.all([imports.finally(() => (isOver = true)), uploading])
  expect(ended.map(({ code }) => code)).toEqual([0, 0])
  const { faults, versions } = await auditStorage(app.dataDir)
  expect([faults, versions.length]).toEqual([[], 200 + uploads.length])
})

test('a full disk stops the import with a clear word and nothing half done; with room it goes on', async () => {
  await using folder = await freshFolder()
  const disk = fullDisk()
  await using app = await startApp({ overrides: { files: disk.files } })
  await someFiles(folder.at('files'), 100)
  let steps = 0
  const progress = {
    ...NO_PROGRESS,
    step() {
      steps += 1
      if (steps === 50) disk.full = true
    },
  }
  const wanted = { folder: folder.at('files'), workspaceId: DEFAULT_WORKSPACE_ID, leftOut: [] }
  await expect(importFolder({ ...app.deps, progress }, wanted)).rejects.toMatchObject({
    code: 'disk-full',
    message: expect.stringMatching(/the disk is full\. \d+ documents are in/),
  })
  const { faults, staged, versions } = await auditStorage(app.dataDir)
  expect([faults, staged]).toEqual([[], []])
  expect(versions.length).toBeLessThan(100)

  disk.full = false
  const { imported, known } = await importFolder({ ...app.deps, progress: NO_PROGRESS }, wanted)
  expect([known, imported]).toEqual([versions.length, 100 - versions.length])
})
