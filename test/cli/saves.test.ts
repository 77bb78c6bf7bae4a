import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { recoverForgotten } from '../../src/core/recovery.ts'
import { flipByte } from '../maintenance/scene.ts'
import { type Both, startBoth } from '../support/both.ts'
import { docxParagraphs, makeDocx } from '../support/files.ts'
import { isScaled } from '../support/scale.ts'
import { type CliOptions, freshFolder, runCli, startCli } from './run.ts'

type Listed = {
  atRisk: { id: string; key: string; documentId: string; title: string; error: string }[]
  forgotten: { key: string; reason: string }[]
  aside: { id: string; kind: string; versionNumber: number }[]
}

function settings({ app, docServer }: Both): CliOptions {
  return {
    dataDir: app.dataDir,
    env: { ONLYOFFICE_URL: docServer.url, ONLYOFFICE_JWT_SECRET: docServer.secret, NODE_ENV: 'test' },
  }
}

/** A final save that the service could not fetch: Document Server has put it into its forgotten store. */
async function failSave(both: Both): Promise<void> {
  const { docServer, key } = both
  const editor = await both.open()
  editor.type(0, 'rescued')
  docServer.faults.callbacks({ kind: 'drop', status: 2 }, 4)
  await editor.close()
  await docServer.settled()
  expect(await both.send({ status: 2, url: `${docServer.url}/cache/files/gone/output.docx` })).toBe(503)
  expect(docServer.forgotten.has(key)).toBe(true)
}

async function headOf({ app, id }: Both): Promise<string[]> {
  return docxParagraphs(await app.download(id))
}

test('a failed save is listed with its document, and comes home when it is retried beside the running service', async () => {
  await using both = await startBoth({ env: { DOWNLOAD_RETRY_S: '0' } })
  await failSave(both)
  const { json } = await runCli(settings(both), 'saves', 'list', '--json')
  const { atRisk } = json as Listed
  expect(atRisk).toMatchObject([{ key: both.key, documentId: both.id, title: 'report' }])
  expect((await runCli(settings(both), 'saves', 'list')).stdout).toMatch(/^at risk +[\w-]{36} .*“report”/)

  const early = await runCli(settings(both), 'saves', 'retry', atRisk[0]?.id ?? '', '--wait', '0', '--json')
  expect([early.code, early.json]).toMatchObject([1, { isHome: false }])

  const { ended } = startCli(settings(both), 'saves', 'retry', both.key, '--json')
  await delay(1000)
  // The round that the service makes every minute.
  await recoverForgotten(both.app.deps)
  expect(await ended).toMatchObject({ code: 0, json: { isHome: true } })
  expect(await headOf(both)).toEqual(['rescued', 'Two'])
  expect((await runCli(settings(both), 'saves', 'list')).stdout).toBe('Nothing is at risk\n')
})

test('without the service the command brings the save home itself', async () => {
  await using both = await startBoth({ env: { DOWNLOAD_RETRY_S: '0' } })
  await failSave(both)
  await both.app.close()
  const run = await runCli(settings(both), 'saves', 'retry', both.key, '--json')
  expect([run.code, run.json]).toEqual([0, { key: both.key, isHome: true }])
  expect(both.docServer.forgotten.size).toBe(0)

  const { json } = await runCli(settings(both), 'saves', 'list', '--json')
  expect(json).toEqual({ atRisk: [], forgotten: [], aside: [] })
})

test('while somebody edits, a retry has the editor save once more', async () => {
  await using both = await startBoth({ env: { DOWNLOAD_RETRY_S: '0' } })
  const { docServer } = both
  const editor = await both.open()
  editor.type(0, 'still open')
  expect(
    await both.send({ status: 6, forcesavetype: 2, url: `${docServer.url}/cache/files/gone/output.docx` }),
  ).toBe(503)
  const run = await runCli(settings(both), 'saves', 'retry', both.key, '--wait', '20', '--json')
  expect([run.code, run.json]).toMatchObject([0, { isHome: true }])
  expect(await headOf(both)).toEqual(['still open', 'Two'])
})

test('a conflict version is listed and its bytes are written to a new file, never over one', async () => {
  await using folder = await freshFolder()
  await using both = await startBoth()
  const { app, id } = both
  const first = (await app.versions(id)).at(-1)
  await app.fetch(`/api/documents/${id}/versions/${first?.id}/restore`, { method: 'POST' })
  const late = makeDocx(['Late'])
  expect(await both.send({ status: 2 }, late)).toBe(200)

  const { json } = await runCli(settings(both), 'saves', 'list', '--json')
  const { aside } = json as Listed
  expect(aside).toMatchObject([{ kind: 'conflict' }])
  const versionId = aside[0]?.id ?? ''
  const written = await runCli(settings(both), 'saves', 'export', versionId, folder.at('late.docx'), '--json')
  expect([written.code, written.json]).toMatchObject([0, { bytes: late.length }])
  expect(readFileSync(folder.at('late.docx'))).toEqual(late)

  const save = await app.deps.database.selectFrom('saves').selectAll().executeTakeFirstOrThrow()
  expect((await runCli(settings(both), 'saves', 'export', save.id, folder.at('save.docx'))).code).toBe(0)
  expect(readFileSync(folder.at('save.docx'))).toEqual(late)

  await writeFile(folder.at('mine.docx'), 'mine')
  expect((await runCli(settings(both), 'saves', 'export', versionId, folder.at('mine.docx'))).code).toBe(1)
  expect(readFileSync(folder.at('mine.docx'), 'utf8')).toBe('mine')

  // It damages a file on the disk.
  if (isScaled) return
  await flipByte(`${app.dataDir}/blobs/${save.sha256?.slice(0, 2)}/${save.sha256}`)
  const damaged = await runCli(settings(both), 'saves', 'export', versionId, folder.at('damaged.docx'))
  expect([damaged.code, damaged.stderr]).toEqual([1, expect.stringContaining('damaged')])
  expect(() => readFileSync(folder.at('damaged.docx'))).toThrow('ENOENT')
})

test('what nobody knows, and a service without Document Server, are told apart', async () => {
  await using both = await startBoth()
  const unknown = await runCli(settings(both), 'saves', 'retry', 'nothing', '--json')
  expect([unknown.code, unknown.json]).toMatchObject([1, { code: 'not-found' }])
  const lost = await runCli(settings(both), 'saves', 'export', 'nothing', '/dev/null', '--json')
  expect([lost.code, lost.json]).toMatchObject([1, { code: 'not-found' }])
  const alone = await runCli({ dataDir: both.app.dataDir }, 'saves', 'retry', both.key, '--json')
  expect([alone.code, alone.json]).toMatchObject([1, { code: 'document-server-missing' }])
})
