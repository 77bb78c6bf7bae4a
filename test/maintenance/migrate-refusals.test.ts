import * as fs from 'node:fs/promises'
import Sqlite from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../src/metadata/database.ts'
import { announceNode } from '../../src/metadata/nodes.ts'
import { freshFolder, runCli } from '../cli/run.ts'
import { startApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { type OwnPostgres, startPostgres } from '../support/postgres.ts'
import { digestsOf, fillHome, type Home, homeOf, migrate, onDisk } from './migrate-scene.ts'
import { flipByte } from './scene.ts'

const MANY_PROCESSES_MS = 240_000

let postgres: OwnPostgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

async function refusalOf(from: Home, to: Home): Promise<unknown> {
  const { code, json } = await migrate(from, to)
  expect(code).toBe(1)
  return (json as { code?: string }).code
}

test(
  'a service that runs is not copied, nor is a database on which a node works',
  async () => {
    await using folder = await freshFolder()
    const home = onDisk(folder.at('data'))
    const there = homeOf(home.dataDir, await postgres.newDatabase('live'), `file:${folder.at('there')}`)
    await fillHome(home, 2)
    const app = await startApp(home)
    expect(await refusalOf(home, there)).toBe('folder-in-use')
    await app.close()

    expect((await migrate(home, there)).code).toBe(0)
    const database = await openDatabase(there.env.DATABASE_URL ?? '')
    await announceNode(database, { instance: 'a', name: 'node-a' }, 600_000)
    await database.destroy()
    expect(await refusalOf(home, there)).toBe('service-running')
    expect(await refusalOf(there, home)).toBe('service-running')
  },
  MANY_PROCESSES_MS,
)

test(
  'what is not a copy of this installation is not overwritten',
  async () => {
    await using folder = await freshFolder()
    const home = onDisk(folder.at('data'))
    const other = onDisk(folder.at('other'))
    await fillHome(home, 2)
    await fillHome(other, 2)
    const before = await digestsOf(other)
    expect(await refusalOf(home, other)).toBe('target-in-use')
    expect(await refusalOf(home, home)).toBe('target-is-source')
    await fs.symlink(home.dataDir, folder.at('link'))
    expect(await refusalOf(home, onDisk(folder.at('link')))).toBe('target-is-source')
    const foreign = new Sqlite(folder.at('foreign.sqlite'))
    foreign.exec('create table shopping (item text)')
    foreign.close()
    expect(
      await refusalOf(
        home,
        homeOf(home.dataDir, `sqlite:${folder.at('foreign.sqlite')}`, `file:${folder.at('x')}`),
      ),
    ).toBe('target-in-use')
    await fs.writeFile(folder.at('text.sqlite'), 'no database '.repeat(1000))
    expect(
      await refusalOf(
        home,
        homeOf(home.dataDir, `sqlite:${folder.at('text.sqlite')}`, `file:${folder.at('x')}`),
      ),
    ).toBe('target-unusable')
    expect(await digestsOf(other)).toEqual(before)
  },
  MANY_PROCESSES_MS,
)

test(
  'one database is known under two addresses, and no password is printed',
  async () => {
    await using folder = await freshFolder()
    const home = onDisk(folder.at('data'))
    const url = await postgres.newDatabase('twice')
    const there = homeOf(home.dataDir, url, `file:${folder.at('there')}`)
    await fillHome(home, 2)
    const secret = url.replace('postgres@', 'postgres:hidden-from-all@')
    const run = await runCli(home, 'migrate', '--to-database', secret)
    expect([run.code, run.stdout]).toEqual([
      0,
      expect.stringContaining('DATABASE_URL=postgres://postgres:***@'),
    ])
    const alike = homeOf(home.dataDir, url.replace('127.0.0.1', 'localhost'), there.env.BLOBS_URL ?? '')
    expect(await refusalOf({ ...there, env: { ...there.env, DATABASE_URL: secret } }, alike)).toBe(
      'target-is-source',
    )
    const away = await runCli(home, 'migrate', '--json', '--to-database', `${secret}-away`)
    expect([away.code, away.json]).toMatchObject([
      1,
      {
        code: 'target-unusable',
        detail: expect.stringMatching(
          /refuses the connection \(3D000\)\. Make the database that --to-database names/,
        ),
      },
    ])
    const mistyped = await runCli(home, 'migrate', `--to-databse=${secret}`)
    expect(mistyped.code).toBe(2)
    const nothing = await runCli(home, 'migrate', '--json')
    expect([nothing.code, nothing.json]).toMatchObject([2, { code: 'usage-wrong' }])
    const wrong = await runCli(home, 'migrate', '--to-database', secret.replace('postgres:', 'mysql:'))
    expect(wrong.code).toBe(2)
    for (const { stdout, stderr } of [run, away, mistyped, wrong])
      expect(stdout + stderr).not.toContain('hidden-from-all')
  },
  MANY_PROCESSES_MS,
)

test(
  'work that only the copy has is not overwritten, also when both went on',
  async () => {
    await using folder = await freshFolder()
    const home = onDisk(folder.at('data'))
    const copy = onDisk(folder.at('copy'))
    const [id = ''] = await fillHome(home, 3)
    expect((await migrate(home, copy)).code).toBe(0)
    for (const one of [copy, home]) {
      const app = await startApp(one)
      await app.upload('more.docx', makeDocx(['More']))
      await app.close()
    }
    const before = await digestsOf(copy)
    expect(await refusalOf(home, copy)).toBe('target-newer')
    expect(await digestsOf(copy)).toEqual(before)
    expect(id).not.toBe('')
  },
  MANY_PROCESSES_MS,
)

test(
  'a blob that is damaged or missing is named, and the rest is copied',
  async () => {
    await using folder = await freshFolder()
    const home = onDisk(folder.at('data'))
    const copy = onDisk(folder.at('copy'))
    await fillHome(home, 6)
    const database = await openDatabase(home.env.DATABASE_URL ?? '')
    const versions = await database
      .selectFrom('versions')
      .select(['sha256', 'document_id'])
      .orderBy('id')
      .execute()
    await database.destroy()
    const [, damaged, missing] = versions
    const pathOf = (sha256 = '') => `${home.dataDir}/blobs/${sha256.slice(0, 2)}/${sha256}`
    await flipByte(pathOf(damaged?.sha256))
    await fs.rm(pathOf(missing?.sha256))
    const run = await migrate(home, copy)
    expect([run.code, run.json]).toMatchObject([1, { blobs: { copied: versions.length - 2 } }])
    const { faults } = run.json as { faults: { problem: string; sha256: string }[] }
    expect(new Map(faults.map(({ problem, sha256 }) => [sha256, problem]))).toEqual(
      new Map([
        [damaged?.sha256, 'damaged'],
        [missing?.sha256, 'missing'],
      ]),
    )
    const files = (await fs.readdir(`${copy.dataDir}/blobs`, { recursive: true })).filter(
      (name) => name.length > 60,
    )
    expect(files).toHaveLength(versions.length - 2)
    expect(await digestsOf(copy)).toEqual(await digestsOf(home))
  },
  MANY_PROCESSES_MS,
)
