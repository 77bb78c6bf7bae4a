import { Readable } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { hashSecret } from '../../src/core/hashed-secrets.ts'
import { sweepBlobs } from '../../src/core/sweep.ts'
import { startApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

const HOUR_MS = 3_600_000
const NO_PAUSE = { pauseMs: 0 }

test('the sweeper deletes what nothing mentions, after a day', async () => {
  await using app = await startApp()
  const { blobs } = app.deps
  const { sha256 } = await blobs.put(Readable.from([Buffer.from('nobody’s')]), { maxBytes: 100 })
  const inHours = (hours: number) => ({ ...app.deps, clock: () => new Date(Date.now() + hours * HOUR_MS) })

  expect(await sweepBlobs(inHours(23), NO_PAUSE)).toBe(0)
  expect(await sweepBlobs(inHours(25), NO_PAUSE)).toBe(1)
  await expect(blobs.open(sha256)).rejects.toMatchObject({ code: 'blob-missing' })
})

test('the sweeper spares versions, their changes and the newest save of a session', async () => {
  await using both = await startBoth()
  const { app, docServer, send } = both
  const changesurl = docServer.fileUrl(Buffer.from('PK changes'), 'changes.zip')
  await send({ status: 6, forcesavetype: 0, lastsave: '2026-11-21T08:00:01.000Z' }, makeDocx(['moved away']))
  await send({ status: 2, lastsave: '2026-11-21T08:00:02.000Z', changesurl }, makeDocx(['final']))

  const inHours = (hours: number) => ({ ...app.deps, clock: () => new Date(Date.now() + hours * HOUR_MS) })
  expect(await sweepBlobs(inHours(20), NO_PAUSE)).toBe(0)
  // The bytes that the draft left behind.
  expect(await sweepBlobs(inHours(48), NO_PAUSE)).toBe(1)
  expect(await sweepBlobs(inHours(24 * 60), NO_PAUSE)).toBe(0)
  expect(docxParagraphs(await app.download(both.id))).toEqual(['final'])
  const saves = await app.deps.database.selectFrom('saves').select('outcome').execute()
  expect(saves).toEqual([{ outcome: 'final' }])
})

test('of many blobs the sweeper spares each that is mentioned, or was between its two looks', async () => {
  await using app = await startApp()
  const { database } = app.deps
  const id = await app.upload('Report.txt', Buffer.from('a report'))
  const addresses = Array.from({ length: 1010 }, (_, number) => hashSecret(`blob ${number}`))
  const mention = (some: string[]) =>
    database
      .insertInto('attachments')
      .values(some.map((sha256) => ({ sha256, document_id: id, expires_at: '2100-01-01T00:00:00.000Z' })))
      .execute()
  const isUnmentioned = (_: string, number: number) => number % 101 === 100
  const unmentioned = addresses.filter(isUnmentioned)
  await mention(addresses.filter((address, number) => !isUnmentioned(address, number)))

  vi.spyOn(app.deps.blobs, 'list').mockImplementation(async function* () {
    for (const sha256 of addresses) yield { sha256, size: 1, storedAt: new Date(0) }
  })
  const deleted: string[] = []
  vi.spyOn(app.deps.blobs, 'delete').mockImplementation(async (sha256) => void deleted.push(sha256))
  const [passedOn, ...others] = unmentioned
  setTimeout(() => void mention([passedOn ?? '']), 500)
  expect(await sweepBlobs(app.deps, { pauseMs: 3000 })).toBe(9)
  expect(deleted).toEqual(others)
})

test('the wait of the sweeper ends with the service', async () => {
  await using app = await startApp()
  await app.deps.blobs.put(Readable.from([Buffer.from('nobody’s')]), { maxBytes: 100 })
  const inADay = { ...app.deps, clock: () => new Date(Date.now() + 25 * HOUR_MS) }
  const stopped = new AbortController()
  const swept = sweepBlobs(inADay, { signal: stopped.signal })
  stopped.abort()
  await expect(swept).rejects.toMatchObject({ name: 'AbortError' })
})
