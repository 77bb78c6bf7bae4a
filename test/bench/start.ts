import { setTimeout as delay } from 'node:timers/promises'
import { startDocumentServer } from './document-server.ts'
import { startMain } from './processes.ts'
import { below, type Result } from './results.ts'
import { median } from './rounds.ts'
import { serviceEnv, temporaryFolder } from './service.ts'

const STARTS = 5
const IDLE_MS = 3000

/** From nothing (no database, no secrets) to the first answer; memory once nothing happens. */
export async function start(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  const seconds: number[] = []
  const idle: number[] = []
  for (let count = 0; count < STARTS; count++) {
    await using folder = await temporaryFolder()
    const started = performance.now()
    await using service = await startMain(serviceEnv(folder.path, docServer.port))
    const answer = await fetch(`http://127.0.0.1:${service.port}/health`)
    if (answer.status !== 200) throw new Error(`/health answered ${answer.status}`)
    seconds.push((performance.now() - started) / 1000)
    if (count === 0) await delay(IDLE_MS)
    await delay(500)
    idle.push(service.rss().now)
  }
  const peak = Math.max(...idle)
  return [
    below('cold start to first answer, s', { ours: median(seconds) }, 1, peak),
    below('idle RSS, MiB', { ours: idle[0] ?? Number.NaN }, 120, peak),
  ]
}
