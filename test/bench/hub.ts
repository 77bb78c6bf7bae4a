import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { startDocumentServer } from './document-server.ts'
import { hocuspocusPeers } from './hocuspocus-peers.ts'
import { hubPeers } from './hub-client.ts'
import { IDLE_DOCUMENTS, kbPerConnection } from './hub-idle.ts'
import { joinMs, storeUpdates } from './hub-join.ts'
import { play } from './hub-play.ts'
import { hubService } from './hub-service.ts'
import { typing } from './hub-trace.ts'
import { startReference } from './processes.ts'
import { atLeast, below, type Result } from './results.ts'
import { interleaved, median } from './rounds.ts'
import { temporaryFolder } from './service.ts'

const FLOOR = 'references/signalr-floor.ts'
/** Of a round as fast as it goes: about two seconds. */
const FAST_UPDATES = 20_000
const CALM_PER_SECOND = 500
const CALM_UPDATES = 3 * CALM_PER_SECOND
const STORED_UPDATES = 50_000
const IDLE_STARTS = 3
/** What follows when the last one leaves must not fall into the round of another server. */
const SETTLE_MS = 1500

const trace = typing(STORED_UPDATES)

/** Shared typing: stored before it is relayed, beside a hub that only relays and, for information, hocuspocus. */
export async function hub(): Promise<Result[]> {
  return [...(await relaying()), await idling(), ...(await joining())]
}

async function relaying(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  await using service = await hubService(folder.path, docServer.port)
  await using floor = await startReference(FLOOR)
  await using hocuspocus = await startReference('references/hocuspocus.ts')

  const servers = {
    ours: async () => hubPeers(service, await service.newDocument()),
    floor: async () => hubPeers(floor, randomUUID()),
    hocuspocus: async () => hocuspocusPeers(hocuspocus, randomUUID()),
  }
  const fast = (server: keyof typeof servers) => async () => {
    const open = await servers[server]()
    const { deliveriesPerSecond } = await play(open, trace.updates.slice(0, FAST_UPDATES))
    await delay(SETTLE_MS)
    return deliveriesPerSecond
  }
  const calm = (server: keyof typeof servers) => async () => {
    const open = await servers[server]()
    const { p99Ms } = await play(open, trace.updates.slice(0, CALM_UPDATES), CALM_PER_SECOND)
    await delay(SETTLE_MS)
    return p99Ms
  }
  const calmMedians = await interleaved(calm('ours'), calm('floor'))
  const fastMedians = await interleaved(fast('ours'), fast('floor'))
  const peak = service.rss().peak
  const others = { deliveries: [] as number[], p99s: [] as number[] }
  await fast('hocuspocus')()
  for (let round = 0; round < 3; round++) {
    others.deliveries.push(await fast('hocuspocus')())
    others.p99s.push(await calm('hocuspocus')())
  }
  const shown = { target: '–', isMet: true }
  const p99 = `hub p99 ms from sending to receipt, ${CALM_PER_SECOND} updates/s`
  return [
    atLeast('hub deliveries/s, 1 writer + 9 readers', fastMedians, 0.8, peak),
    { row: '  beside hocuspocus', ours: fastMedians.ours, reference: median(others.deliveries), ...shown },
    { row: p99, ...calmMedians, ...shown },
    { row: '  beside hocuspocus', ours: calmMedians.ours, reference: median(others.p99s), ...shown },
  ]
}

async function idling(): Promise<Result> {
  await using docServer = await startDocumentServer()
  const kb = { ours: [] as number[], reference: [] as number[] }
  let peak = 0
  for (let start = 0; start < IDLE_STARTS; start++) {
    await using folder = await temporaryFolder()
    const documentIds: string[] = []
    {
      // In a process of its own: making documents leaves room that connections would fill unseen.
      await using maker = await hubService(folder.path, docServer.port)
      while (documentIds.length < IDLE_DOCUMENTS) documentIds.push(await maker.newDocument())
    }
    await using service = await hubService(folder.path, docServer.port)
    kb.ours.push(await kbPerConnection(service, documentIds))
    peak = Math.max(peak, service.rss().peak)
    await using floor = await startReference(FLOOR)
    kb.reference.push(await kbPerConnection(floor, documentIds))
  }
  const medians = { ours: median(kb.ours), reference: median(kb.reference) }
  return below('hub KB per idle connection', medians, 25, peak)
}

async function joining(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  let documentId: string
  {
    await using service = await hubService(folder.path, docServer.port)
    documentId = await service.newDocument()
    await storeUpdates(service, documentId, trace)
  }
  await using service = await hubService(folder.path, docServer.port)
  const { first, median: usual } = await joinMs(service, documentId, trace)
  const row = `join a document with ${STORED_UPDATES.toLocaleString('en')} stored updates, ms`
  return [
    below(row, { ours: usual }, 300, service.rss().peak),
    below('  the first time after a start', { ours: first }, 300),
  ]
}
