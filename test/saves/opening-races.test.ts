import { expect, test } from 'vitest'
import { startBoth, until } from '../support/both.ts'
import { makeDocx } from '../support/files.ts'

const at = (second: number) => `2026-11-21T08:00:0${second}.000Z`

test('two people who open a document at once share one key', async () => {
  await using both = await startBoth()
  const id = await both.app.upload('other.docx', makeDocx(['x']))

  const configs = await Promise.all(Array.from({ length: 10 }, () => both.app.config(id)))

  expect(new Set(configs.map(({ document }) => document.key)).size).toBe(1)
})

test('whoever opens during the final save waits for it and gets the new key and content', async () => {
  await using both = await startBoth()
  const { app, docServer, id, key, send } = both
  const bytes = makeDocx(['final text'.repeat(20)])
  docServer.faults.files({ kind: 'slow', bytesPerSecond: bytes.length * 2 })
  const saving = send({ status: 2, lastsave: at(1) }, bytes)
  await until(async () => (await app.deps.database.selectFrom('saves').select('id').execute()).length === 1)

  const { document } = await app.config(id)

  expect(await saving).toBe(200)
  expect(document.key).not.toBe(key)
  expect(Buffer.from(await (await fetch(document.url)).arrayBuffer())).toEqual(bytes)
})

test('opening answers 503 with Retry-After when the final save takes too long', async () => {
  await using both = await startBoth({
    env: { OPEN_WAIT_S: '0', DOWNLOAD_STALL_S: '1', DOWNLOAD_RETRY_S: '0' },
  })
  const { app, docServer, id, send } = both
  docServer.faults.files({ kind: 'stall' })
  const saving = send({ status: 2, lastsave: at(1) }, makeDocx(['never']))
  await until(async () => (await app.deps.database.selectFrom('saves').select('id').execute()).length === 1)

  const response = await app.fetch(`/api/onlyoffice/config/${id}`)

  expect(response.status).toBe(503)
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await saving).toBe(503)
})

test('between refused final saves the document opens under its old key and nothing is lost', async () => {
  await using both = await startBoth({
    env: { DOWNLOAD_RETRY_S: '0' },
    timings: { retryDelaysMs: [3000, 3000, 3000] },
  })
  const { app, docServer, id, key } = both
  const first = await both.open('ann')
  first.type(0, 'by Ann')
  docServer.faults.files({ kind: 'status', status: 500 }, 1)
  await first.close()
  await until(() => docServer.callbacks.some(({ status, answer }) => status === 2 && answer !== undefined))

  const second = await both.open('bob')
  expect((await app.config(id)).document.key).toBe(key)
  expect(second.paragraphs()).toEqual(['by Ann', 'Two'])
  second.type(1, 'by Bob')
  await second.close()
  await docServer.settled()

  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['final', 'upload'])
  const reader = await both.open('eve')
  expect(reader.paragraphs()).toEqual(['by Ann', 'by Bob'])
})

test('a viewer next to an editor does not break saving', async () => {
  await using both = await startBoth()
  const { app, docServer, id } = both
  const viewer = await both.open('vic', '&mode=view')
  const editor = await both.open('ann')
  editor.type(0, 'edited')
  await editor.close()
  await docServer.settled()
  await viewer.close()
  await docServer.settled()

  expect(
    docServer.callbacks.every(
      ({ answer }) => answer !== undefined && 'status' in answer && answer.status === 200,
    ),
  ).toBe(true)
  expect((await app.versions(id)).map(({ kind }) => kind)).toEqual(['final', 'upload'])
})
