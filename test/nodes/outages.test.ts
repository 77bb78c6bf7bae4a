import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test as run } from 'vitest'
import * as Y from 'yjs'
import { patientClient } from '../crash/client.ts'
import { type Load, startLoad } from '../crash/load.ts'
import { broken, snapshotOf, uploadSurely } from '../crash/promises.ts'
import { seededRandom } from '../crash/random.ts'
import { newDocument, startWriter } from '../crash/writer.ts'
import { type HubUser, joined } from '../hub/support.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { until } from '../support/both.ts'
import { makeDocx } from '../support/files.ts'
import { signIn } from '../support/service-process.ts'
import { missing, type Nodes, startNodes } from './nodes.ts'

// With the reason in `missing`.
const test = run.skipIf(missing !== undefined)

const SEED = Number(process.env.SEED || Date.now() % 1_000_000)
const AWAY_MS = 10_000
const RECOVERED_WITHIN_MS = 30_000
const EDITED = 3
const WRITERS = 2

type Ready = { status: string; blobs?: boolean; backplane?: string }

let nodes: Nodes
let load: Load
let users: HubUser[]
let writers: ReturnType<typeof startWriter>[]
let shared: string
const over = new AbortController()

beforeAll(async () => {
  if (missing !== undefined) return
  nodes = await startNodes({
    env: { FORCESAVE_INTERVAL_S: '1', DOWNLOAD_RETRY_S: '1', OPEN_WAIT_S: '1', LOG_LEVEL: 'info' },
    timings: { closeToSaveMs: 20, retryDelaysMs: Array(20).fill(300), forcesaveMs: 5 },
  })
  const client = patientClient(nodes.url, await signIn(nodes.url), over.signal)
  const ids: string[] = []
  for (let at = 0; at < EDITED; at += 1) ids.push(await uploadSurely(client, makeDocx([`Document ${at}`])))
  shared = await newDocument(nodes.url)
  users = []
  writers = []
  for (let at = 0; at < WRITERS; at += 1) {
    const delays = Array<number>(500).fill(100)
    const user = await joined({ url: nodes.url }, shared, { token: ADMIN_TOKEN, delays })
    users.push(user)
    writers.push(startWriter(user, shared, at))
  }
  load = startLoad({ client, docServer: nodes.docServer, random: seededRandom(SEED) }, ids)
}, 180_000)

afterAll(async () => {
  over.abort()
  await nodes?.[Symbol.asyncDispose]()
})

async function ready(): Promise<Ready> {
  const response = await fetch(`${nodes.node('a').url}/ready`)
  return (await response.json()) as Ready
}

async function metric(name: string): Promise<number> {
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
  const text = await (await fetch(`${nodes.node('a').url}/metrics`, { headers })).text()
  return Number(new RegExp(`^docs_dependency_up\\{name="${name}"\\} (\\d)$`, 'm').exec(text)?.[1])
}

/** Saves, uploads and updates acknowledged from now on. */
async function goesOn(): Promise<void> {
  const { saves, uploads } = load.acknowledged
  const before = [saves.length, uploads.length, ...writers.map(({ confirmed }) => confirmed.length)]
  const now = () => [saves.length, uploads.length, ...writers.map(({ confirmed }) => confirmed.length)]
  await until(() => now().every((count, at) => count > (before[at] ?? 0)), RECOVERED_WITHIN_MS)
}

const OUTAGES = [
  {
    what: 'PostgreSQL is killed and started again',
    name: 'database',
    isSeen: ({ status }: Ready) => status === 'no-database',
    logged: 'the database',
    begin: () => nodes.servers.postgres.kill(),
    end: () => nodes.servers.postgres.start(),
  },
  {
    what: 'Redis is killed and started again',
    name: 'backplane',
    isSeen: ({ backplane }: Ready) => backplane !== 'ok',
    logged: 'other nodes',
    begin: () => nodes.servers.redis.kill(),
    end: () => nodes.servers.redis.start(),
  },
  {
    what: 'S3 refuses for ten seconds',
    name: 'blobs',
    isSeen: ({ blobs }: Ready) => blobs === false,
    logged: 'the blobs',
    begin: () => nodes.servers.swift.refuse(),
    end: () => nodes.servers.swift.resume(),
  },
]

describe.each(OUTAGES)('$what', ({ name, isSeen, logged, begin, end }) => {
  test(
    `nothing acknowledged is lost, it is seen, and all goes on by itself (SEED=${SEED})`,
    async () => {
      await goesOn()
      const loggedBefore = nodes.node('a').output().length
      await begin()
      const away = delay(AWAY_MS)
      await until(async () => isSeen(await ready()), AWAY_MS)
      expect(await metric(name)).toBe(0)
      await away
      await end()
      const endedAt = performance.now()
      await goesOn()
      await until(async () => (await ready()).status === 'ready', RECOVERED_WITHIN_MS)
      expect(performance.now() - endedAt).toBeLessThan(RECOVERED_WITHIN_MS)
      expect(await metric(name)).toBe(1)
      expect(nodes.node('a').output().slice(loggedBefore)).toContain(logged)
      expect(await broken(nodes.folder, snapshotOf(load.acknowledged), new Set())).toEqual([])
    },
    AWAY_MS + 3 * RECOVERED_WITHIN_MS + 60_000,
  )
})

test('what was shared meanwhile is whole on both nodes', async () => {
  await load.stop()
  for (const writer of writers) await writer.stop()
  await using reader = await joined({ url: nodes.url }, shared, { token: ADMIN_TOKEN })
  const merged = new Y.Doc()
  Y.applyUpdate(merged, Buffer.from(await reader.invoke<string>('RequestSync', shared), 'base64'))
  const stored = merged.getArray<string>('words').toArray()
  const confirmed = writers.flatMap((writer) => writer.confirmed)
  expect(confirmed.filter((word) => !stored.includes(word))).toEqual([])
  expect(new Set(stored).size, 'none doubled').toBe(stored.length)
  for (const { doc } of writers)
    await expect.poll(() => doc.getArray('words').toArray(), { timeout: 20_000 }).toEqual(stored)
  for (const user of users) await user.connection.stop()
})
