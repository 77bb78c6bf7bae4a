import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/start.ts'
import { currentSession } from '../../src/metadata/sessions.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { testClock } from '../support/clock.ts'
import { makeDocx } from '../support/files.ts'

const RECORDS = new URL('../../../shared/fixtures/callbacks.jsonl', import.meta.url)
const RECORDED_SECRET = 'dsrig-secret-0123456789abcdef0123456789'
const RECORDED_ADDRESS = 'http://127.0.0.1:8080'

type Recorded = {
  t: string
  headers: { authorization?: string; 'content-type'?: string }
  bodyRaw: string
  tokenBodyDecoded: { key: string; status: number; url?: string; changesurl?: string }
}

/** Kinds of the versions that each key leaves behind, oldest first; the head is the last but conflicts. */
const EXPECTED: Record<string, string[]> = {
  't1-1795240782193': ['upload'],
  't1-1795240877695': ['upload', 'final'],
  't2-1795240960633': ['upload', 'final'],
  // Saved, then opened again under the dead key with its forgotten file and closed.
  't3-error1-1795241031474': ['upload', 'final', 'conflict'],
  't4E-1795241258531': ['upload'],
  't4F-1795241258532': ['upload'],
  't4G-1795241287397': ['upload', 'final'],
  't4I-1795241287397': ['upload', 'final'],
  // One forced save sent four times, then the close.
  't4C-1795241287396': ['upload', 'final'],
  't4K-1795241341446': ['upload', 'final'],
  't4L-1795241385931': ['upload'],
  // A failed forced save, then the close.
  't4D-1795241423568': ['upload', 'final'],
  't4B1-1795241423474': ['upload', 'final'],
  't4B2-1795241423474': ['upload', 'final'],
  't4B1-1795241591368': ['upload'],
  // 3, opened again, closed well.
  't4B2-1795241591371': ['upload', 'final'],
  't5auto-1795241721735': ['upload', 'final'],
  't5hang-1795241721704': ['upload', 'final'],
}

test.skipIf(!existsSync(RECORDS))('all recorded callbacks get the right answer and effect', async () => {
  const records: Recorded[] = readFileSync(RECORDS, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const clock = testClock('2026-11-21T05:59:00.000Z')
  await using docServer = await startEmulator({ secret: RECORDED_SECRET, clock: clock.now })
  await using app = await startApp({
    docServer,
    env: { ONLYOFFICE_URL: RECORDED_ADDRESS, ONLYOFFICE_INTERNAL_URL: docServer.url },
    overrides: { clock: clock.now },
  })
  for (const path of pathsOf(records)) {
    docServer.serveFile(path, path.endsWith('.zip') ? Buffer.from(`changes of ${path}`) : makeDocx([path]))
  }
  const documents = new Map<string, string>()
  for (const key of new Set(records.map((record) => record.tokenBodyDecoded.key))) {
    documents.set(key, await documentWithKey(app, key))
  }

  const answers: string[] = []
  for (const record of records) {
    clock.set(record.t)
    const response = await fetch(`${app.url}/api/onlyoffice/callback`, {
      method: 'POST',
      headers: {
        'content-type': record.headers['content-type'] ?? '',
        authorization: record.headers.authorization ?? '',
      },
      body: record.bodyRaw,
    })
    expect(await response.json()).toEqual({ error: 0 })
    answers.push(`${record.tokenBodyDecoded.status} → ${response.status}`)
  }

  expect(records).toHaveLength(58)
  expect(answers).toEqual(
    records.map(({ tokenBodyDecoded: { status } }) => (status === 3 ? '3 → 422' : `${status} → 200`)),
  )
  const kinds: Record<string, string[]> = {}
  for (const [key, id] of documents) kinds[key] = (await app.versions(id)).map(({ kind }) => kind).reverse()
  expect(kinds).toEqual(EXPECTED)
  for (const [key, id] of documents) {
    const head = (await app.versions(id)).find(({ isCurrent }) => isCurrent)
    expect(head?.versionNumber, key).toBe(EXPECTED[key]?.filter((kind) => kind !== 'conflict').length)
  }
})

function pathsOf(records: Recorded[]): Set<string> {
  const urls = records.flatMap(({ tokenBodyDecoded: { url, changesurl } }) => [url, changesurl])
  return new Set(urls.filter((url) => url !== undefined).map((url) => new URL(url).pathname))
}

/** A document whose open session has the recorded key. */
async function documentWithKey(app: TestApp, key: string): Promise<string> {
  const id = await app.upload('test.docx', makeDocx(['as uploaded']))
  await app.config(id)
  const { database } = app.deps
  const session = await currentSession(database, id)
  await database
    .updateTable('sessions')
    .set({ key })
    .where('key', '=', session?.key ?? '')
    .execute()
  return id
}
