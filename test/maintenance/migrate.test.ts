import * as fs from 'node:fs/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/start.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import { freshFolder, runCli } from '../cli/run.ts'
import { ADMIN_TOKEN, SECRET, startApp, type TestApp } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { type OwnPostgres, startPostgres } from '../support/postgres.ts'
import { query } from '../support/scale.ts'
import {
  countBlobs,
  digestsOf,
  fillHome,
  type Home,
  homeOf,
  killedMigration,
  type MigratedJson,
  migrate,
  onDisk,
  putContent,
  readEveryVersion,
} from './migrate-scene.ts'

const isSoak = process.env.SOAK === '1'
const DOCUMENTS = isSoak ? 10_000 : 300
const LONG_MS = isSoak ? 3_600_000 : 240_000
/** A lock that a test holds, for which rows of a table wait. */
const GATE = 4711

let postgres: OwnPostgres
beforeAll(async () => {
  postgres = await startPostgres()
})
afterAll(() => postgres[Symbol.asyncDispose]())

/** Each start of a test's service makes a client of its own, with a workspace of its own. */
const ADMIN = { as: ADMIN_TOKEN }

type Served = { app: TestApp; opens(id: string): Promise<string> }

/** The service on what was copied, with a Document Server. */
async function serve(home: Home, work: (served: Served) => Promise<void>): Promise<void> {
  const docServer = await startEmulator({ secret: SECRET })
  const app = await startApp({ ...home, docServer })
  try {
    await work({
      app,
      async opens(id) {
        const answer = await app.fetch(`/api/onlyoffice/config/${id}`, ADMIN)
        return ((await answer.json()) as { config: { document: { key: string } } }).config.document.key
      },
    })
  } finally {
    await app.close()
    await docServer.close()
  }
}

/** @returns how many documents a search finds, outside of the trash */
async function search(app: TestApp, text: string): Promise<number> {
  const answer = await app.fetch(`/api/documents?search=${encodeURIComponent(text)}&take=100`, ADMIN)
  return ((await answer.json()) as { documents: unknown[] }).documents.length
}

test(
  `${DOCUMENTS} documents go to PostgreSQL and back, killed among the blobs and among the rows`,
  async () => {
    await using folder = await freshFolder()
    const home = onDisk(folder.at('data'))
    const there = homeOf(
      folder.at('data'),
      await postgres.newDatabase('there_and_back'),
      `file:${folder.at('there')}`,
    )
    const ids = await fillHome(home, DOCUMENTS)
    const before = await digestsOf(home)
    for (const [table, digest] of before) expect([table, digest]).not.toEqual([table, '0 0'])
    const blobs = await countBlobs(home.dataDir)

    await killedMigration(home, there, async () => (await countBlobs(folder.at('there'))) > 20)
    expect(await countBlobs(folder.at('there'))).toBeLessThan(blobs)

    // The tables are made, and the last of them waits.
    await using gate = await closeGate(there)
    await killedMigration(home, there, gate.isWaitedAt)
    expect(await countBlobs(folder.at('there'))).toBe(blobs)
    await gate.open()
    expect((await query(there.env.DATABASE_URL ?? '', 'select id from documents')).rowCount).toBe(0)

    const run = await migrate(home, there)
    expect([run.code, run.stderr, run.json]).toMatchObject([
      0,
      '',
      { blobs: { copied: 0, skipped: blobs }, faults: [] },
    ])
    expect(await digestsOf(there)).toEqual(before)
    const again = await migrate(home, there)
    expect([again.code, (again.json as MigratedJson).rows]).toEqual([0, (run.json as MigratedJson).rows])

    const [, first = ''] = ids
    await serve(there, async ({ app, opens }) => {
      expect(await readEveryVersion(app)).toBe(DOCUMENTS + Math.ceil(DOCUMENTS / 3))
      expect(await search(app, 'BERICHT n7x naive')).toBe(1)
      // It lies in the trash.
      expect(await search(app, 'bericht n5x naive')).toBe(0)
      expect(await opens(first)).toMatch(/\w/)
      await app.upload('made there.docx', makeDocx(['Made there']))
    })
    const after = await digestsOf(there)
    expect((await migrate(home, there)).json).toMatchObject({ code: 'target-newer' })

    if (isSoak) {
      const wal = `${home.dataDir}/metadata.sqlite-wal`
      const isLong = async () => ((await fs.stat(wal).catch(() => undefined))?.size ?? 0) > 4_000_000
      for (let kills = 0; kills < 2; kills += 1) {
        await killedMigration(there, home, isLong)
        // Without what was not committed.
        await (await openDatabase(home.env.DATABASE_URL ?? '')).destroy()
        expect(await digestsOf(home)).toEqual(before)
      }
    }
    const back = await migrate(there, home)
    expect([back.code, back.json]).toMatchObject([0, { faults: [] }])
    const { copied = 0, skipped = 0 } = (back.json as MigratedJson).blobs ?? {}
    expect([copied, skipped]).toEqual(isSoak ? [0, blobs + 1] : [1, blobs])
    expect(await digestsOf(home)).toEqual(after)
    await serve(home, async ({ app, opens }) => {
      await readEveryVersion(app)
      expect(await search(app, 'bericht n7x naive')).toBe(1)
      expect(await search(app, 'bericht n5x naive')).toBe(0)
      expect(await search(app, 'made there')).toBe(1)
      expect(await opens(first)).toMatch(/\w/)
      // Out of the trash by the trigger, and a title of its own: the index is as the service keeps it.
      const [trashed = ''] = ids
      expect((await app.fetch(`/api/documents/${trashed}/undelete`, { ...ADMIN, method: 'POST' })).ok).toBe(
        true,
      )
      expect(await search(app, 'bericht n0x naive')).toBe(1)
      await putContent(app, first, makeDocx(['Going on']), ADMIN.as)
    })
    expect((await runCli(home, 'verify')).code).toBe(0)
  },
  LONG_MS,
)

/** Makes the tables of a target; copying stands still at the last of them until it is opened. */
async function closeGate({ env }: Home) {
  const url = env.DATABASE_URL ?? ''
  await (await openDatabase(url)).destroy()
  await query(
    url,
    `create function wait_at_gate() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(${GATE}); return new; end $$;
    create trigger gate before insert on thumbnails for each row execute function wait_at_gate()`,
  )
  const keeper = new pg.Client({ connectionString: url })
  await keeper.connect()
  await keeper.query(`select pg_advisory_lock(${GATE})`)
  let isClosed = true
  const open = async () => {
    if (!isClosed) return
    isClosed = false
    await keeper.query('drop function wait_at_gate cascade').catch(() => {})
    await keeper.end()
  }
  return {
    isWaitedAt: async () =>
      (
        await keeper.query(
          `select 1 from pg_locks where locktype = 'advisory' and not granted and objid = ${GATE}`,
        )
      ).rowCount === 1,
    open,
    [Symbol.asyncDispose]: open,
  }
}
