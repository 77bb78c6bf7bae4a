import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ListOptions, listDocuments } from '../../src/core/list-documents.ts'
import { copyRows } from '../../src/maintenance/migrate-rows.ts'
import { openDatabase } from '../../src/metadata/database.ts'
import type { Database } from '../../src/metadata/schema.ts'
import { dropScaled, scaledEnv } from '../support/scale.ts'
import { startScaleServers } from '../support/scale-servers.ts'
import { openDocuments, saveCallback } from './callbacks.ts'
import { startDocumentServer } from './document-server.ts'
import { hubPeers } from './hub-client.ts'
import { play } from './hub-play.ts'
import { type HubService, hubService } from './hub-service.ts'
import { typing } from './hub-trace.ts'
import { load, rawRequest } from './load.ts'
import { client, ONE_CLIENT, seedDocuments } from './million.ts'
import { p99 } from './percentile.ts'
import type { Result } from './results.ts'
import { interleaved, type Medians } from './rounds.ts'
import { ADMIN_TOKEN, temporaryFolder } from './service.ts'
import { COMMON, RARE, SELDOM } from './titles.ts'

const SECONDS = 2
const CONFIGS = 32
const SAVES = 16
const DOCUMENTS_EACH = 4
const FILE_BYTES = 100_000
const UPDATES = 5000
const SETTLE_MS = 1500
/** A twenty-first of them lies in the trash. */
const LISTED = 105_000
const CALLS = 100

/**
 * The same node on PostgreSQL, S3 and Redis (ours) and on SQLite and a disk (reference), in turns. The
 * servers share the cores with the load and the nodes, so only the ratio tells anything.
 */
export async function scaled(): Promise<Result[]> {
  await using servers = await startScaleServers()
  Object.assign(process.env, servers.env)
  await using docServer = await startDocumentServer()
  await using folders = await temporaryFolder()
  const places = { ours: join(folders.path, 'scaled'), reference: join(folders.path, 'single') }
  for (const place of Object.values(places)) await mkdir(place)
  const engines = await scaledEnv(places.ours)
  const env = { ...servers.env, ...engines, ADMIN_TOKEN, DATABASE_POOL: '10' }
  try {
    await using ours = await hubService(places.ours, docServer.port, env)
    await using reference = await hubService(places.reference, docServer.port)
    const services = { ours, reference }
    return [
      ...(await configs(services)),
      ...(await saves(services, docServer.port)),
      ...(await deliveries(services)),
      ...(await lists(engines.DATABASE_URL ?? '')),
    ]
  } finally {
    await dropScaled(places.ours)
  }
}

type Services = Record<keyof Medians, HubService>

function shown(row: string, medians: Medians, peakRss?: number): Result {
  return { row, ...medians, target: '–', isMet: true, ...(peakRss === undefined ? {} : { peakRss }) }
}

async function configs({ ours, reference }: Services): Promise<Result[]> {
  const measured = async (service: HubService) => {
    const id = await service.newDocument()
    const authorization = `Bearer ${service.token}`
    const request = rawRequest('GET', `/api/onlyoffice/config/${id}?userId=ann`, { authorization })
    return () => perSecond(service, CONFIGS, () => request)
  }
  const medians = await interleaved(await measured(ours), await measured(reference))
  return [
    shown('scaled: signed config/s, beside a single node', medians),
    shown('  processor time of the node each, ms', busyEach({ ours, reference })),
  ]
}

async function saves({ ours, reference }: Services, docServerPort: number): Promise<Result[]> {
  const measured = async (service: HubService) => {
    const keys = await openDocuments(service, SAVES * DOCUMENTS_EACH)
    const callbacks = keys.map((key) =>
      saveCallback(key, `http://localhost:${docServerPort}/file/${FILE_BYTES}`),
    )
    let turn = 0
    // A document belongs to one connection: its saves come one after the other.
    const request = (connection: number) => {
      turn += 1
      return callbacks[connection * DOCUMENTS_EACH + (turn % DOCUMENTS_EACH)] ?? Buffer.alloc(0)
    }
    return () => perSecond(service, SAVES, request)
  }
  const medians = await interleaved(await measured(ours), await measured(reference))
  return [
    shown('scaled: durable saves/s, 100 KB, beside a single node', medians, ours.rss().peak),
    shown('  processor time of the node each, ms', busyEach({ ours, reference })),
  ]
}

/** Of the last rounds of each service, until they are asked for: milliseconds for each request. */
const busy = new Map<HubService, { requests: number; seconds: number }>()

async function perSecond(
  service: HubService,
  connections: number,
  request: (connection: number) => Buffer,
): Promise<number> {
  const before = await service.metric('process_cpu_seconds_total')
  const done = await load({ port: service.port, connections, seconds: SECONDS, request })
  if (done.failed > 0) throw new Error(`${done.failed} requests failed`)
  const seconds = (await service.metric('process_cpu_seconds_total')) - before
  const sum = busy.get(service) ?? { requests: 0, seconds: 0 }
  busy.set(service, { requests: sum.requests + done.perSecond * SECONDS, seconds: sum.seconds + seconds })
  return done.perSecond
}

function busyEach({ ours, reference }: Services): Medians {
  const each = (service: HubService) => {
    const { requests = 1, seconds = Number.NaN } = busy.get(service) ?? {}
    busy.delete(service)
    return (seconds / requests) * 1000
  }
  return { ours: each(ours), reference: each(reference) }
}

async function deliveries({ ours, reference }: Services): Promise<Result[]> {
  const { updates } = typing(UPDATES)
  const measured = (service: HubService) => async () => {
    const { deliveriesPerSecond } = await play(await hubPeers(service, await service.newDocument()), updates)
    await delay(SETTLE_MS)
    return deliveriesPerSecond
  }
  const medians = await interleaved(measured(ours), measured(reference))
  return [shown('scaled: hub deliveries/s, 1 writer + 9 readers, beside a single node', medians)]
}

async function lists(url: string): Promise<Result[]> {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'metadata.sqlite')
  await seedDocuments(path, LISTED)
  const single = await openDatabase(`sqlite:${path}`)
  const shared = await openDatabase(url)
  try {
    const progress = { begin: async () => {}, step() {}, end() {} }
    await copyRows({ source: single, target: shared, progress })
    const page = (database: Database, options: Partial<ListOptions>) =>
      listDocuments({ database }, client, { skip: 0, take: 20, ...options })
    const rows: [name: string, options: Partial<ListOptions>][] = [
      ['list 20 of 100,000, newest first', {}],
      ['list 20 of 100,000, one type', { type: 'Sheet' }],
      ['list 20 of 100,000, a folder and below', { folder: { path: ONE_CLIENT, isDeep: true } }],
      ['search 100,000, in half of all', { search: COMMON }],
      ['search 100,000, in a thousandth', { search: SELDOM }],
      ['search 100,000, in ten', { search: RARE }],
    ]
    const results: Result[] = []
    for (const [name, options] of rows) {
      const ours = await p99(() => page(shared, options), CALLS)
      const reference = await p99(() => page(single, options), CALLS)
      results.push(shown(`scaled: ${name}, p99 ms, beside SQLite`, { ours, reference }))
    }
    return results
  } finally {
    await single.destroy()
    await shared.destroy()
  }
}
