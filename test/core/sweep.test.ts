import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { sweepBlobs } from '../../src/core/sweep.ts'
import { startApp } from '../support/app.ts'
import { startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'

const HOUR_MS = 3_600_000

test('the sweeper deletes what nothing mentions, after a day', async () => {
  await using app = await startApp()
  const { blobs } = app.deps
  const { sha256 } = await blobs.put(Readable.from([Buffer.from('nobody’s')]), { maxBytes: 100 })
  const inHours = (hours: number) => ({ ...app.deps, clock: () => new Date(Date.now() + hours * HOUR_MS) })

  expect(await sweepBlobs(inHours(23))).toBe(0)
  expect(await sweepBlobs(inHours(25))).toBe(1)
  await expect(blobs.open(sha256)).rejects.toMatchObject({ code: 'blob-missing' })
})

test('the sweeper spares versions, their changes and the newest save of a session', async () => {
  await using both = await startBoth()
  const { app, docServer, send } = both
  const changesurl = docServer.fileUrl(Buffer.from('PK changes'), 'changes.zip')
  await send({ status: 6, forcesavetype: 0, lastsave: '2026-11-21T08:00:01.000Z' }, makeDocx(['moved away']))
  await send({ status: 2, lastsave: '2026-11-21T08:00:02.000Z', changesurl }, makeDocx(['final']))

  const inHours = (hours: number) => ({ ...app.deps, clock: () => new Date(Date.now() + hours * HOUR_MS) })
  expect(await sweepBlobs(inHours(20))).toBe(0)
  // The bytes that the draft left behind.
  expect(await sweepBlobs(inHours(48))).toBe(1)
  expect(await sweepBlobs(inHours(24 * 60))).toBe(0)
  expect(docxParagraphs(await app.download(both.id))).toEqual(['final'])
  const saves = await app.deps.database.selectFrom('saves').select('outcome').execute()
  expect(saves).toEqual([{ outcome: 'final' }])
})
