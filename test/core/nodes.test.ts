import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { createLocks, type Held } from '../../src/core/locks.ts'
import { joinNodes } from '../../src/core/nodes.ts'
import { createSupportsWatch } from '../../src/core/watch-supports.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import { MIGRATIONS } from '../../src/metadata/migrations/index.ts'
import { announceNode, forgetNode } from '../../src/metadata/nodes.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { sharedSettings } from '../../src/shared-settings.ts'
import { isPostgresInstalled, type OwnPostgres, startPostgres } from '../support/postgres.ts'
import { query } from '../support/scale.ts'

const log = pino({ level: 'silent' })
const clock = () => new Date()
const ROOT_SECRET = 'root-secret-of-the-tests-0123456789'
const SETTINGS = sharedSettings({ BLOBS_URL: 'file:storage' }, ROOT_SECRET)

describe.skipIf(!isPostgresInstalled)('nodes on PostgreSQL (left out where it is not installed)', () => {
  let postgres: OwnPostgres
  let database: Database
  let folder: string
  beforeAll(async () => {
    postgres = await startPostgres()
    database = await openDatabase(`${postgres.url}/postgres`)
    folder = await mkdtemp(join(tmpdir(), 'docs-connector-nodes-'))
  })
  afterAll(async () => {
    await database?.destroy()
    await postgres?.[Symbol.asyncDispose]()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  /** Of a node with a folder of its own, which is there. */
  function configOf(name: string, env: Record<string, string> = {}) {
    return loadConfig({ NODE_NAME: name, DATA_DIR: folder, LEASE_S: '1', ...env })
  }
  const locksOf = (name: string) => createLocks({ database, config: configOf(name), log }, name)

  test('work of one name runs on one node at a time', async () => {
    const [a, b] = [locksOf('a'), locksOf('b')]
    const seen: string[] = []
    const work = (name: string) => async () => {
      seen.push(`${name} begins`)
      await delay(200)
      seen.push(`${name} ends`)
    }
    const first = a.run('key', work('a'))
    await expect.poll(() => seen.length).toBe(1)
    expect(await b.tryRun('key', work('b'))).toBeUndefined()
    await Promise.all([first, b.run('key', work('b'))])
    expect(seen).toEqual(['a begins', 'a ends', 'b begins', 'b ends'])
    expect(await b.tryRun('key', async () => 1)).toEqual({ value: 1 })
  })

  test('work that takes longer than a lease keeps it', async () => {
    const [a, b] = [locksOf('a'), locksOf('b')]
    let isOver = false
    const long = a.run('long', async (held) => {
      await delay(2500)
      await database.transaction().execute((tx) => held.demand(tx))
      isOver = true
    })
    await delay(100)
    await b.run('long', async () => expect(isOver).toBe(true))
    await long
  })

  test('what was taken over cannot be ended any more', async () => {
    let lost: Held | undefined
    await locksOf('a').run('paused', async (held) => {
      lost = held
    })
    await locksOf('b').run('paused', async () => {
      const late = database.transaction().execute((tx) => lost?.demand(tx) ?? Promise.resolve())
      await expect(late).rejects.toMatchObject({ code: 'lease-lost' })
    })
  })

  test('rounds stay with one node until it has missed some, and go on after its restart', async () => {
    const ran: string[] = []
    const round = (name: string) => locksOf(name).round('sweep', 500, async () => ran.push(name))
    await round('a')
    await round('b')
    await round('a')
    expect(ran).toEqual(['a', 'a'])
    await delay(700)
    await round('b')
    expect(ran).toEqual(['a', 'a', 'b'])
  })

  test('a node that could not see the blobs of others, or hear them, does not start; nor does a namesake', async () => {
    const one = await joinNodes({ database, config: configOf('one'), clock, log }, SETTINGS)
    await one.announce()
    const elsewhere = { DATA_DIR: await mkdtemp(join(tmpdir(), 'docs-connector-nodes-')) }
    try {
      const two = joinNodes({ database, config: configOf('two', elsewhere), clock, log }, SETTINGS)
      await expect(two).rejects.toThrow('the node one works on this database')
      // It is waited for: a process of this name may have ended without a word.
      const kept = setInterval(() => void one.announce(), 200)
      const namesake = joinNodes({ database, config: configOf('one', elsewhere), clock, log }, SETTINGS)
      await expect(namesake).rejects.toThrow('another node is named one')
      clearInterval(kept)
      await one.leave()
      const last = await joinNodes({ database, config: configOf('two', elsewhere), clock, log }, SETTINGS)
      await last.leave()
    } finally {
      await rm(elsewhere.DATA_DIR, { recursive: true, force: true })
    }
  })

  test('a node with another secret or bucket than the others does not start', async () => {
    const shared = {
      DATABASE_URL: `${postgres.url}/postgres`,
      BACKPLANE_URL: 'redis://redis.example.com',
      ROOT_SECRET,
      ADMIN_TOKEN: ROOT_SECRET,
      BLOBS_URL: 's3://documents?endpoint=https://s3.example.com',
    }
    const elsewhere = { DATA_DIR: await mkdtemp(join(tmpdir(), 'docs-connector-nodes-')) }
    const joinAs = (name: string, env: typeof shared, folder: Record<string, string> = {}) => {
      const config = configOf(name, { ...env, ...folder })
      return joinNodes({ database, config, clock, log }, sharedSettings(config, env.ROOT_SECRET))
    }
    const one = await joinAs('one', shared)
    try {
      const other = joinAs('two', { ...shared, ROOT_SECRET: `${ROOT_SECRET} another` }, elsewhere)
      await expect(other).rejects.toThrow('ROOT_SECRET is not that of the node one')
      for (const BLOBS_URL of [
        's3://others?endpoint=https://s3.example.com',
        `${shared.BLOBS_URL}&prefix=a`,
      ]) {
        const lost = joinAs('two', { ...shared, BLOBS_URL }, elsewhere)
        await expect(lost).rejects.toThrow('BLOBS_URL is not that of the node one')
      }
      const BLOBS_URL = 's3://documents/?endpoint=http://s3.internal:9000&region=eu-central-1'
      await (await joinAs('two', { ...shared, BLOBS_URL }, elsewhere)).leave()
      await one.leave()
      for (let round = 0; round < 5; round += 1) {
        const atOnce = await Promise.allSettled([
          joinAs('one', shared),
          joinAs('two', { ...shared, ROOT_SECRET: `${ROOT_SECRET} another` }, elsewhere),
        ])
        const joined = atOnce.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
        expect(joined.length).toBeLessThan(2)
        for (const membership of joined) await membership.leave()
      }
    } finally {
      await one.leave()
      await rm(elsewhere.DATA_DIR, { recursive: true, force: true })
    }
  })

  test('while nodes work on the schema of an earlier release, none of this one starts', async () => {
    await query(`${postgres.url}/postgres`, 'create database earlier')
    const url = `${postgres.url}/earlier`
    const earlier = await openDatabase(url)
    await announceNode(earlier, { instance: 'a', name: 'node-a' }, 60_000)
    const latest = Object.keys(MIGRATIONS).at(-1) ?? ''
    await query(url, `delete from kysely_migration where name = '${latest}'`)
    await expect(openDatabase(url)).rejects.toThrow(/its schema is 0011-trash\), and node-a work on it: stop/)
    // A node does not wait for itself, nor for one that has left.
    await expect(openDatabase(url, { node: 'a' })).rejects.toThrow('already exists')
    await forgetNode(earlier, 'a')
    await expect(openDatabase(url)).rejects.toThrow('already exists')
    await earlier.destroy()
  })
})

test('what stops answering is logged once, and once when it is back', async () => {
  const lines: string[] = []
  let isWell = true
  const told = (line: string) => lines.push(line)
  const watch = createSupportsWatch({
    supports: {
      isDatabaseHealthy: async () => isWell,
      areBlobsHealthy: async () => true,
      backplaneTrouble: () => undefined,
    },
    log: Object.assign(pino({ level: 'silent' }), { info: told, error: told }),
  })
  for (const now of [true, false, false, true, true]) {
    isWell = now
    await watch()
  }
  expect(lines).toEqual([
    'the database: no answer, or none that helps (the doctor says why); what needs it is refused meanwhile',
    'the database: answering again',
  ])
})
