import { statSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createApiKey } from '../../src/core/api-keys.ts'
import { PERMISSIONS } from '../../src/core/callers.ts'
import { createDocument } from '../../src/core/new-document.ts'
import { safeFileName, safeFolder } from '../../src/maintenance/safe-names.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import { exportedDocuments } from '../../src/metadata/exported-documents.ts'
import { freshFolder, runCli } from '../cli/run.ts'
import { startApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { isScaled } from '../support/scale.ts'
import { blobOf, flipByte, tree, uploadSome } from './scene.ts'

test('documents of one name are numbered, hostile titles and folders lead nowhere else', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  const ids: string[] = []
  for (let at = 0; at < 6; at += 1) ids.push(await app.upload(`${at}.docx`, makeDocx([String(at)])))
  const places = [
    ['/', 'Same'],
    ['/', 'Same'],
    ['/', 'same'],
    ['/a:b', '../../up'],
    ['/a?b', '../../up'],
    ['/', 'x'.repeat(300)],
  ]
  for (const [at, [path = '', title = '']] of places.entries()) {
    await app.deps.database
      .updateTable('documents')
      .set({ folder: path, title, updated_at: '2026-01-02T03:04:05.000Z' })
      .where('id', '=', ids[at] ?? '')
      .execute()
  }
  const run = await runCli(app, 'export', folder.at('out'), '--json')
  expect([run.code, run.json]).toMatchObject([0, { exported: 6 }])
  const files = [...(await tree(folder.at('out'))).keys()].sort()
  expect(files).toEqual(
    [
      'Tests/Same.docx',
      'Tests/Same (2).docx',
      'Tests/same (3).docx',
      'Tests/a_b/.._.._up.docx',
      'Tests/a_b/.._.._up (2).docx',
      `Tests/${'x'.repeat(235)}.docx`,
    ].sort(),
  )
  expect(statSync(folder.at('out', 'Tests', 'Same.docx')).mtime.toISOString()).toBe(
    '2026-01-02T03:04:05.000Z',
  )
})

// It damages a file on the disk.
test.skipIf(isScaled)(
  'what lies in the trash stays there, and a damaged document is named and not written',
  async () => {
    await using folder = await freshFolder()
    await using app = await startApp()
    const [trashed = '', damaged = '', fine = ''] = await uploadSome(app, 3)
    await app.fetch(`/api/documents/${trashed}`, { method: 'DELETE' })
    await flipByte(await blobOf(app, damaged))
    const run = await runCli(app, 'export', folder.at('out'), '--json')
    expect([run.code, run.json]).toMatchObject([1, { exported: 1, failed: [{ documentId: damaged }] }])
    const files = await tree(folder.at('out'))
    expect([...files.keys()]).toEqual(['Tests/Document 2.docx'])
    expect(files.get('Tests/Document 2.docx')).toBe((await app.download(fine)).toString('hex'))
  },
)

test.each([
  ['CON', 'txt', 1, '_CON.txt'],
  ['a/b\\c', 'docx', 1, 'a_b_c.docx'],
  ['.', 'docx', 2, '. (2).docx'],
  [' ', 'docx', 1, '_.docx'],
  ['é'.repeat(300), 'docx', 1, `${'é'.repeat(117)}.docx`],
])('%s is kept as a name that every file system takes', (title, extension, copy, wanted) => {
  expect(safeFileName(title, extension, copy)).toBe(wanted)
})

test.each([
  ['/', ''],
  ['/../..', '_/_'],
  ['/a/nul/b. ', 'a/_nul/b'],
])('the folder %s stays below', (folder, wanted) => {
  expect(safeFolder(folder)).toBe(wanted)
})

test('workspaces of one name have a folder each', async () => {
  await using folder = await freshFolder()
  await using app = await startApp()
  await uploadSome(app, 1)
  const { id, name, workspaceId } = await createApiKey(app.deps, { name: 'tests', permissions: [] })
  const other = { kind: 'client' as const, id, name, workspaceId, permissions: [...PERMISSIONS] }
  await createDocument(app.deps, other, { title: 'Other', fileType: 'docx' })
  expect((await runCli(app, 'export', folder.at('out'))).code).toBe(0)
  expect([...(await tree(folder.at('out'))).keys()].sort()).toEqual([
    'Tests/Document 0.docx',
    'tests (2)/Other.docx',
  ])
})

test('a document that is moved while others are exported is neither left out nor given twice', async () => {
  await using app = await startApp()
  const [first = '', second = ''] = await uploadSome(app, 2)
  const move = (id: string, folder: string) =>
    app.deps.database.updateTable('documents').set({ folder }).where('id', '=', id).execute()
  await move(first, '/b')
  await move(second, '/c')
  const reader = await openDatabase(app.deps.config.DATABASE_URL)
  const given: string[] = []
  for await (const { id } of exportedDocuments(reader, undefined)) {
    given.push(id)
    await move(first, '/d')
    await move(second, '/a')
  }
  await reader.destroy()
  expect(given).toEqual([first, second])
})
