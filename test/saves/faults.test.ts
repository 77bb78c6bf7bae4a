import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Files } from '../../src/blobs/disk.ts'
import { recoverForgotten } from '../../src/core/recovery.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { auditStorage } from '../crash/audit.ts'
import { openAs, SECRET, startApp, type TestApp } from '../support/app.ts'
import type { NetworkFault } from '../support/faulty-agent.ts'
import type { CallFault, FaultyCalls } from '../support/faulty-calls.ts'
import { fullDisk } from '../support/faulty-files.ts'
import { type FaultyService, newDocx, startFaultyService } from '../support/faulty-service.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { isScaled } from '../support/scale.ts'

/** What Document Server sends, and the versions that it must have made once it got its 200. */
const SAVES = [
  { save: 'an automatic save', fields: { status: 6, forcesavetype: 2 }, kinds: ['upload', 'draft'] },
  { save: 'a save by the button', fields: { status: 6, forcesavetype: 1 }, kinds: ['upload', 'cut'] },
  { save: 'the final save', fields: { status: 2, notmodified: false }, kinds: ['upload', 'final'] },
]

type Where = 'files' | 'database' | 'network'
type Fault = {
  fault: string
  where: Where
  how: Omit<CallFault, 'nth'>
  network?: NetworkFault
  least: number
}

/** `least`: calls that a save surely makes, so that a wrapper left out shows. */
const FAULTS: Fault[] = [
  { fault: 'its n-th file-system call fails', where: 'files', how: {}, least: 7 },
  { fault: 'the disk is gone from its n-th call on', where: 'files', how: { fromThenOn: true }, least: 7 },
  { fault: 'its n-th query fails', where: 'database', how: {}, least: 9 },
  { fault: 'its n-th query works but says otherwise', where: 'database', how: { how: 'after' }, least: 9 },
  {
    fault: 'the database is gone from its n-th query on',
    where: 'database',
    how: { fromThenOn: true },
    least: 9,
  },
  ...(
    [
      { kind: 'refused' },
      { kind: 'reset', bytes: 0 },
      { kind: 'reset', bytes: 100 },
      { kind: 'reset', bytes: 4000 },
      { kind: 'ended', bytes: 4000 },
    ] as const
  ).map((network) => ({
    fault: `its n-th connection is ${network.kind}${'bytes' in network ? ` after ${network.bytes} bytes` : ''}`,
    where: 'network' as const,
    how: {},
    network,
    least: 1,
  })),
]

describe.each(SAVES)('$save is stored once or refused', ({ fields, kinds }) => {
  // One service for all faults: what an earlier one left behind must not harm a later save.
  let service: FaultyService
  beforeAll(async () => {
    service = await startFaultyService()
  })
  afterAll(() => service[Symbol.asyncDispose]())

  test.each(FAULTS)('when $fault', async ({ where, how, network, least }) => {
    if (network !== undefined) service.networkFault = network
    const { app } = service
    const calls: FaultyCalls = service[where]
    // A disk that is gone keeps what was begun; the next start removes it.
    const isDiskGone = where === 'files' && how.fromThenOn === true
    const stagedBefore = new Set(service.staged())
    const faultsBefore = new Set((await service.audit()).faults)
    const keys = new Set<string>()
    const newlyStaged = () => service.staged().filter((name) => !stagedBefore.has(name))

    let nth = 1
    for (; ; nth += 1) {
      const document = await service.edited()
      keys.add(document.key)
      const bytes = newDocx()
      const callback = service.save(fields, bytes)

      calls.arm({ nth, ...how })
      const status = await service.send(document.key, callback)
      calls.disarm()
      const at = `n=${nth}, ${calls.failed}`

      const head = await app.download(document.id)
      if (status === 200) expect(head.equals(bytes), at).toBe(true)
      else {
        expect([status, at]).toEqual([503, at])
        expect(head.equals(document.saved) || head.equals(bytes), at).toBe(true)
      }
      // The archive of changes may still be on its way.
      if (!isDiskGone) await expect.poll(newlyStaged, { interval: 5, message: at }).toEqual([])

      expect([await service.send(document.key, callback), at]).toEqual([200, at])
      expect((await app.download(document.id)).equals(bytes), at).toBe(true)
      const versions = await app.versions(document.id)
      expect([versions.map(({ kind }) => kind).reverse(), at]).toEqual([kinds, at])
      expect((await app.config(document.id)).document.key === document.key, at).toBe(fields.status === 6)
      if (calls.failed === undefined) break
    }
    expect(nth).toBeGreaterThan(least)
    expect((await service.audit()).faults.filter((fault) => !faultsBefore.has(fault))).toEqual([])
    // Each later save made up for the failed one, and nothing counts as in flight for ever.
    const unresolved = async () =>
      (await service.audit()).saves.filter(
        ({ key, state }) => keys.has(key) && state !== 'stored' && state !== 'resolved',
      )
    await expect.poll(unresolved, { timeout: 3000 }).toEqual([])
  })
})

test('a final save whose failure could not be noted does not keep the document closed', async () => {
  await using service = await startFaultyService()
  const { id, key } = await service.edited()
  const callback = service.save({ status: 2 }, newDocx())
  // The second query is the journal's: from the third on even the failure cannot be written.
  service.database.arm({ nth: 3, fromThenOn: true })
  expect(await service.send(key, callback)).toBe(503)
  service.database.disarm()

  const opening = async () => (await service.app.fetch(`/api/onlyoffice/config/${id}`)).status
  await expect.poll(opening, { timeout: 5000, interval: 100 }).toBe(200)
})

const PLACES = FAULTS.filter(({ where, how }) => where !== 'network' && how.fromThenOn !== true)

test.each(PLACES)('an upload is stored whole or refused when $fault', async ({ where, how }) => {
  await using service = await startFaultyService()
  const { app } = service
  const calls = service[where]
  const acknowledged: { id: string; bytes: Buffer }[] = []

  let nth = 1
  for (; ; nth += 1) {
    const bytes = newDocx()
    calls.arm({ nth, ...how })
    const answer = await upload(service, bytes)
    calls.disarm()
    const at = `n=${nth}, ${calls.failed}`
    if (answer.id === undefined) expect(answer.status, at).toBeGreaterThanOrEqual(500)
    else acknowledged.push({ id: answer.id, bytes })
    expect([service.staged(), at]).toEqual([[], at])
    if (calls.failed === undefined) break
    acknowledged.push({ id: await app.upload('again.docx', bytes), bytes })
  }

  expect(nth).toBeGreaterThan(4)
  expect(acknowledged.length).toBeGreaterThanOrEqual(nth)
  for (const { id, bytes } of acknowledged) expect((await app.download(id)).equals(bytes)).toBe(true)
  expect((await service.audit()).faults).toEqual([])
})

test.each(PLACES)('opening works or says that it does not when $fault', async ({ where, how }) => {
  await using service = await startFaultyService()
  const { app } = service
  const calls = service[where]

  let nth = 1
  for (; ; nth += 1) {
    const id = await app.upload('report.docx', newDocx())
    calls.arm({ nth, ...how })
    const { status } = await app.fetch(`/api/onlyoffice/config/${id}`)
    calls.disarm()
    const at = `n=${nth}, ${calls.failed}`
    if (status !== 200) expect(status, at).toBeGreaterThanOrEqual(500)

    const { key } = (await app.config(id)).document
    expect((await app.config(id)).document.key, at).toBe(key)
    expect([await service.send(key, service.save({ status: 6 }, newDocx())), at]).toEqual([200, at])
    if (calls.failed === undefined) break
  }
  expect(nth).toBeGreaterThan(3)
  expect((await service.audit()).faults).toEqual([])
})

test.each(FAULTS.filter(({ how }) => how.fromThenOn !== true))(
  'a forgotten file comes home once when $fault',
  async ({ where, how, network }) => {
    await using service = await startFaultyService()
    if (network !== undefined) service.networkFault = network
    const { app, docServer } = service
    const calls = service[where]

    let nth = 1
    for (; ; nth += 1) {
      const { id, key, saved } = await service.edited()
      const bytes = newDocx()
      docServer.forgotten.set(key, { bytes, fileType: 'docx', storedAt: new Date('2027-01-01T00:00:00Z') })

      calls.arm({ nth, ...how })
      // A round that ends early is a failed one: the next one goes on.
      await recoverForgotten(app.deps).catch(() => {})
      calls.disarm()
      const at = `n=${nth}, ${calls.failed}`
      const head = await app.download(id)
      expect(head.equals(bytes) || (head.equals(saved) && docServer.forgotten.has(key)), at).toBe(true)

      await recoverForgotten(app.deps)
      expect(docServer.forgotten.has(key), at).toBe(false)
      expect((await app.download(id)).equals(bytes), at).toBe(true)
      const versions = await app.versions(id)
      expect([versions.map(({ kind }) => kind), at]).toEqual([['final', 'upload'], at])
      if (calls.failed === undefined) break
    }
    expect(nth).toBeGreaterThan(5)
    expect((await service.audit()).faults).toEqual([])
  },
)

async function upload({ app }: FaultyService, bytes: Buffer): Promise<{ status: number; id?: string }> {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(bytes)]), 'report.docx')
  const response = await app.fetch('/api/documents/upload', { method: 'POST', body: form })
  const { id } = (await response.json()) as { id?: string }
  return { status: response.status, ...(response.status === 201 && id !== undefined ? { id } : {}) }
}

/** What ends an outage, once it has begun. */
type Outage = {
  outage: string
  ofSqlite?: boolean
  begin(app: TestApp): Promise<() => Promise<void> | void>
  files?: Files
}

const disk = fullDisk()
const OUTAGES: Outage[] = [
  {
    outage: 'the disk takes no more bytes',
    files: disk.files,
    begin: async () => {
      disk.full = true
      return () => {
        disk.full = false
      }
    },
  },
  {
    outage: 'another process holds the database',
    ofSqlite: true,
    begin: async ({ dataDir, deps: { database } }) => {
      // The service's own patience, 5 s for every query, is none of this test's business.
      await sql`pragma busy_timeout = 50`.execute(database)
      const other = new Sqlite(join(dataDir, 'metadata.sqlite'))
      other.exec('begin immediate')
      return () => {
        other.exec('rollback')
        other.close()
      }
    },
  },
]

test.each(OUTAGES.filter(({ ofSqlite }) => !isScaled || ofSqlite !== true))(
  'while $outage nothing is lost and reading goes on',
  async ({ begin, files }) => {
    const timings = { closeToSaveMs: 20, retryDelaysMs: [200, 400, 800], forcesaveMs: 5 }
    await using docServer = await startEmulator({ secret: SECRET, timings })
    await using app = await startApp({ docServer, overrides: files === undefined ? {} : { files } })
    const bytes = makeDocx(['One'])
    const [id, other] = [await app.upload('report.docx', bytes), await app.upload('other.docx', newDocx())]
    const editor = await openAs(app, docServer, id)
    const looker = await openAs(app, docServer, other)
    await editor.type(0, 'Stored')
    await editor.save()
    const { key } = (await app.config(id)).document
    const answersTo = (status: number) =>
      docServer.callbacks.filter((sent) => sent.status === status).map(({ answer }) => answer)

    const end = await begin(app)
    await editor.type(0, 'Typed meanwhile')
    await editor.save()
    expect(answersTo(6).at(-1)).toMatchObject({ status: 503 })
    expect(docxParagraphs(await app.download(id))).toEqual(['Stored'])
    const config = await app.config(id)
    expect(config.document.key).toBe(key)
    expect(docxParagraphs(Buffer.from(await (await fetch(config.document.url)).arrayBuffer()))).toEqual([
      'Stored',
    ])
    const second = await docServer.open(config)
    expect(answersTo(1).at(-1)).toMatchObject({ status: 200 })
    await second.close()
    await looker.close()
    expect(answersTo(4)).toMatchObject([{ status: 200 }])
    await editor.close()
    await expect.poll(() => answersTo(2), { timeout: 15_000 }).toMatchObject([{ status: 503 }])

    await end()
    await docServer.settled()
    expect(answersTo(2).at(-1)).toMatchObject({ status: 200 })
    expect(docServer.forgotten.size).toBe(0)
    expect(docxParagraphs(await app.download(id))).toEqual(['Typed meanwhile'])
    expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['final', 'cut', 'upload'])
    const { faults, staged, saves } = await auditStorage(app.dataDir)
    expect({ faults, staged }).toEqual({ faults: [], staged: [] })
    expect(saves.filter(({ state }) => state === 'failed')).toEqual([])
  },
)

// A full disk of PostgreSQL's cannot be made here.
test.skipIf(isScaled).each([{ status: 6, forcesavetype: 1 }, { status: 2 }])(
  'a save that the database has no room for is refused, and stored when there is room: %j',
  async (fields) => {
    await using service = await startFaultyService()
    const { database } = service.app.deps
    const { id, key, saved } = await service.edited()
    const bytes = newDocx()
    // The journal row finds a place in a page that exists; the history fails in mid-transaction.
    const callback = service.save(
      { ...fields, history: { serverVersion: '9', changes: 'x'.repeat(200_000) } },
      bytes,
    )

    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(database)
    await sql.raw(`pragma max_page_count = ${rows[0]?.page_count}`).execute(database)
    expect(await service.send(key, callback)).toBe(503)
    expect((await service.app.download(id)).equals(saved)).toBe(true)
    expect((await service.audit()).saves.map(({ state }) => state)).toEqual(['stored', 'failed'])

    await sql`pragma max_page_count = 4294967294`.execute(database)
    expect(await service.send(key, callback)).toBe(200)
    expect((await service.app.download(id)).equals(bytes)).toBe(true)
    expect(await service.app.versions(id)).toHaveLength(2)
    expect(await service.audit()).toMatchObject({ faults: [], staged: [] })
  },
)
