import { expect, test } from 'vitest'
import { searchTag } from '../../src/metadata/search-tag.ts'
import { isScaled } from '../support/scale.ts'
import { clientOf, OURS, startRows, THEIRS } from './document-rows.ts'

const NOW = '2026-11-22T08:00:00.000Z'
const administrator = { kind: 'administrator' } as const

test('a title is found whatever its case and diacritics, and whatever those of the search', async () => {
  await using rows = await startRows()
  await rows.insertAll(['Übersicht Café', 'RÉSUMÉ de Zoë', 'ελληνικά Ἀθήνα', 'Straße', 'Plan'])

  for (const search of [
    'übersicht',
    'UBERSICHT',
    'Übersicht',
    'cafe',
    'bersich',
    'ÜBERSICHT'.normalize('NFD'),
  ]) {
    expect(await rows.titles({ search }), search).toEqual(['Übersicht Café'])
  }
  expect(await rows.titles({ search: 'resume zoe' })).toEqual(['RÉSUMÉ de Zoë'])
  expect(await rows.titles({ search: 'αθηνα' })).toEqual(['ελληνικά Ἀθήνα'])
  expect(await rows.titles({ search: 'straße' })).toEqual(['Straße'])
})

test('all words must be in the title, in any order', async () => {
  await using rows = await startRows()
  await rows.insertAll(['Budget of Ann 2026', 'Budget of Bob 2026', 'Ann 2025'])

  expect(await rows.titles({ search: '2026 ann budget' })).toEqual(['Budget of Ann 2026'])
  expect(await rows.titles({ search: '  budget \t 2026 ' })).toHaveLength(2)
  expect(await rows.titles({ search: 'budget ann 2025' })).toEqual([])
  expect(await rows.titles({ search: 'budget budget of' })).toHaveLength(2)
})

test('what looks like a query is text', async () => {
  await using rows = await startRows()
  const odd = [
    'say "yes" now',
    '100% sure',
    'snake_case',
    'wow! really',
    'salt AND pepper',
    'NEAR(one two)',
    'star*fish',
    "O'Brien -- files",
    'tag:title ^first {col}',
    'back\\slash',
  ]
  await rows.insertAll([...odd, 'plain'])

  for (const title of odd) expect(await rows.titles({ search: title }), title).toEqual([title])
  for (const sign of ['"', '%', '_', '!', '*', '\\', '^', '{']) {
    const holding = odd.filter((title) => title.includes(sign))
    expect((await rows.titles({ search: sign })).toSorted(), sign).toEqual(holding.toSorted())
  }
  for (const search of [
    '"""',
    'NEAR(two three)',
    'AND OR NOT',
    '***',
    '" OR "',
    "';--",
    'title:plain',
    'sn_ke',
    '%%%',
  ]) {
    expect(await rows.titles({ search }), search).toEqual([])
  }
  expect(await rows.titles({ search: 'pla\0in' })).toEqual(['plain'])
  expect(await rows.titles({ search: '\0' })).toEqual([])
  expect(await rows.titles({ search: searchTag(OURS) })).toEqual([])
  expect(await rows.titles({ search: '\ud800abc' })).toEqual([])
})

test('words of one and two letters, CJK and emoji are found', async () => {
  await using rows = await startRows()
  await rows.insertAll(['Q1 of ACME', '季度报告 2026', '会議資料', '한국어 문서', 'Party 🎉🎂', 'Other'])

  expect(await rows.titles({ search: 'q1' })).toEqual(['Q1 of ACME'])
  expect(await rows.titles({ search: 'q' })).toEqual(['Q1 of ACME'])
  expect(await rows.titles({ search: 'q1 acme' })).toEqual(['Q1 of ACME'])
  expect(await rows.titles({ search: 'q1 other' })).toEqual([])
  expect(await rows.titles({ search: '季度' })).toEqual(['季度报告 2026'])
  expect(await rows.titles({ search: '度报告' })).toEqual(['季度报告 2026'])
  expect(await rows.titles({ search: '会' })).toEqual(['会議資料'])
  expect(await rows.titles({ search: '한국' })).toEqual(['한국어 문서'])
  expect(await rows.titles({ search: '🎂' })).toEqual(['Party 🎉🎂'])
  expect(await rows.titles({ search: '🎉🎂' })).toEqual(['Party 🎉🎂'])
})

test('other workspaces are never found, not even by letters of their own', async () => {
  await using rows = await startRows()
  await rows.insertAll(['Secret plan'], { workspace_id: THEIRS })
  await rows.insert('Open plan')

  for (const search of ['plan', 'pl', 'secret', 'se']) {
    expect(await rows.titles({ search }), search).not.toContain('Secret plan')
    expect(await rows.titles({ search, isDeleted: true }), search).toEqual([])
  }
  expect(await rows.titles({ search: 'plan' }, clientOf(THEIRS))).toEqual(['Secret plan'])
  expect(await rows.titles({ search: 'plan' }, administrator)).toHaveLength(2)
  expect(await rows.titles({ search: 'se' }, administrator)).toEqual(['Secret plan'])
})

test('a renamed document is found by its new title only, an erased one not at all', async () => {
  await using rows = await startRows()
  const { id } = await rows.insert('Alphabet')
  const renamed = await rows.rename(id, 'Numbers')
  expect(await rows.titles({ search: 'alphabet' })).toEqual([])
  expect(await rows.titles({ search: 'numbers' })).toEqual(['Numbers'])

  await rows.erase(renamed)
  expect(await rows.titles({ search: 'numbers' })).toEqual([])
  expect(await rows.titles({ search: 'nu' })).toEqual([])
  if (isScaled) return
  // SQLite's index of titles is a table of its own.
  expect(await rows.database.selectFrom('document_search').select('rowid').execute()).toEqual([])
})

test('the trash is searched by itself, and undeleted documents are found again', async () => {
  await using rows = await startRows()
  const { id } = await rows.insert('Old minutes')
  await rows.insert('New minutes')
  await rows.update(id, { deleted_at: NOW })
  // In the trash already.
  await rows.update(id, { deleted_at: NOW })

  for (const search of ['minutes', 'mi']) {
    expect(await rows.titles({ search })).toEqual(['New minutes'])
    expect(await rows.titles({ search, isDeleted: true })).toEqual(['Old minutes'])
    expect(await rows.titles({ search, isDeleted: true }, administrator)).toEqual(['Old minutes'])
  }
  await rows.update(id, { deleted_at: null })
  expect(await rows.titles({ search: 'minutes' })).toHaveLength(2)
  expect(await rows.titles({ search: 'minutes', isDeleted: true })).toEqual([])
})

test('a search is narrowed by type, folder, metadata and external id', async () => {
  await using rows = await startRows()
  await rows.insert('Report one', { folder: '/a', metadata: '{"team":"red"}', external_id: 'x' })
  await rows.insert('Report two', { folder: '/a/b', file_type: 'xlsx' })
  await rows.insert('Report three', { folder: '/a-b' })

  const search = 'report'
  expect(await rows.titles({ search, type: 'Sheet' })).toEqual(['Report two'])
  expect(await rows.titles({ search, folder: { path: '/a', isDeep: false } })).toEqual(['Report one'])
  expect(await rows.titles({ search, folder: { path: '/a', isDeep: true } })).toHaveLength(2)
  expect(await rows.titles({ search, metadata: { team: 'red' } })).toEqual(['Report one'])
  expect(await rows.titles({ search: 'two', metadata: { team: 'red' } })).toEqual([])
  expect(await rows.titles({ search, externalId: 'x' })).toEqual(['Report one'])
})

test('of a common word the newest 1,000 are found, of a rare one all, however old', async () => {
  await using rows = await startRows()
  await rows.insert('Oldest report of all')
  await rows.insertAll(Array.from({ length: 1300 }, (_, number) => `Report ${number}`))

  const all: string[] = []
  for (let skip = 0; skip < 1300; skip += 100) all.push(...(await rows.titles({ search: 'report', skip })))
  // PostgreSQL goes by ids, whose order within a millisecond is chance.
  const newest = isScaled
    ? (
        await rows.database
          .selectFrom('documents')
          .select('title')
          .orderBy('id', 'desc')
          .limit(1000)
          .execute()
      ).map(({ title }) => title)
    : Array.from({ length: 1000 }, (_, n) => `Report ${n + 300}`)
  expect(all.toSorted()).toEqual(newest.toSorted())
  expect(await rows.titles({ search: 'oldest' })).toEqual(['Oldest report of all'])
  expect(await rows.titles({ search: 'report oldest' })).toEqual(['Oldest report of all'])
  expect(await rows.titles({ search: 'report 1299' })).toEqual(['Report 1299'])
})
