import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type MinimalDocumentServer, startDocumentServer } from './document-server.ts'
import { runReference } from './processes.ts'
import { below, type Result } from './results.ts'
import { interleaved, median } from './rounds.ts'
import { makeAllDue, seedOpenDocuments } from './seed.ts'
import { SECRET, startService, temporaryFolder } from './service.ts'

const DOCUMENTS = 10_000
const MOST_SECONDS = 6
const MOST_DELAY_MS = 50
const GIVE_UP_MS = 60_000

/** One turn of the autosave over many open documents, from its first question to its last, beside plain posting loops. */
export async function forcesave(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'metadata.sqlite')
  await seedOpenDocuments(path, DOCUMENTS)
  await using service = await startService({
    dataDir: folder.path,
    docServerPort: docServer.port,
    // Only what a round makes due is due.
    env: { FORCESAVE_INTERVAL_S: '100000' },
  })

  const delaysMs: number[] = []
  const tick = async () => {
    docServer.reset()
    // Reading the metrics begins a new span of them.
    await service.metric('nodejs_eventloop_lag_p99_seconds')
    await makeAllDue(path)
    const seconds = await allAsked(docServer)
    delaysMs.push((await service.metric('nodejs_eventloop_lag_p99_seconds')) * 1000)
    return seconds
  }
  const loop = (client: 'undici' | 'http') => async () => {
    docServer.reset()
    await runReference('references/posting-loop.ts', client, `${docServer.port}`, `${DOCUMENTS}`, SECRET)
    return allAsked(docServer)
  }
  const medians = await interleaved(tick, loop('undici'))
  const httpSeconds = [await loop('http')(), await loop('http')(), await loop('http')()]
  return [
    below(`forcesave tick, ${DOCUMENTS} documents, s (undici)`, medians, MOST_SECONDS, service.rss().peak),
    below('  beside node:http', { ours: medians.ours, reference: median(httpSeconds) }, MOST_SECONDS),
    below('  event-loop delay p99, ms', { ours: median(delaysMs) }, MOST_DELAY_MS),
  ]
}

/** @returns seconds from the first question to the last */
async function allAsked({ forcesaves }: MinimalDocumentServer): Promise<number> {
  const started = performance.now()
  while (forcesaves.count < DOCUMENTS) {
    if (performance.now() - started > GIVE_UP_MS) throw new Error(`only ${forcesaves.count} were asked`)
    await delay(20)
  }
  return (forcesaves.lastAt - forcesaves.firstAt) / 1000
}
