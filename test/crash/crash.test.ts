import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startEmulator } from '../../src/emulator/start.ts'
import { SECRET } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { freePort } from '../support/ports.ts'
import { type ServiceProcess, signIn, startProcess } from '../support/service-process.ts'
import { auditStorage, sha256Of } from './audit.ts'
import { patientClient } from './client.ts'
import { startLoad } from './load.ts'
import { broken, openWitness, snapshotOf, uploadSurely } from './promises.ts'
import { seededRandom } from './random.ts'

const KILLS = Number(process.env.KILLS || 6)
const SEED = Number(process.env.SEED || Date.now() % 1_000_000)
/** Documents that are saved all the time, each at most once at a time. */
const EDITED = 8
/** It takes less than a second; here it shares two cores with browsers. */
const LONGEST_RESTART_MS = 20_000
const EACH_KILL_MS = 10_000

/** A save of every session each second, so that the tick is killed too. */
const ENV = {
  LOG_LEVEL: 'info',
  FORCESAVE_INTERVAL_S: '1',
  DOWNLOAD_RETRY_S: '1',
  OPEN_WAIT_S: '1',
  UV_THREADPOOL_SIZE: '4',
}
const TIMINGS = { closeToSaveMs: 20, retryDelaysMs: Array(20).fill(300), forcesaveMs: 5 }

test(
  `${KILLS} kills lose no acknowledged save and tear nothing (SEED=${SEED})`,
  async () => {
    const random = seededRandom(SEED)
    const dataDir = await mkdtemp(join(tmpdir(), 'docs-connector-crash-'))
    await using docServer = await startEmulator({ secret: SECRET, timings: TIMINGS })
    const port = await freePort()
    const start = () => startProcess({ dataDir, port, docServer, env: ENV })
    const testOver = new AbortController()
    let service = start()
    try {
      await service.healthy()
      const client = patientClient(service.url, await signIn(service.url), testOver.signal)
      const ids: string[] = []
      for (let at = 0; at < EDITED; at += 1)
        ids.push(await uploadSurely(client, makeDocx([`Document ${at}`])))
      const witness = await openWitness(client, docServer)
      const load = startLoad({ client, docServer, random }, ids)
      const verified = new Set<string>()
      const restartsMs: number[] = []

      for (let kill = 1; kill <= KILLS; kill += 1) {
        await delay(random.between(20, 400))
        await service.kill()
        for (;;) {
          service = start()
          // Some die before they answer at all.
          if (!random.chance(0.15)) break
          await delay(random.between(50, 700))
          await service.kill()
        }
        const restartMs = await service.healthy()
        restartsMs.push(restartMs)
        expect(restartMs, service.output()).toBeLessThan(LONGEST_RESTART_MS)

        const promised = snapshotOf(load.acknowledged)
        expect(await broken(dataDir, promised, verified), `after kill ${kill}, SEED=${SEED}`).toEqual([])
        await witness.goesOn(kill)
      }

      await load.stop()
      await docServer.settled()
      const { acknowledged } = load
      expect(await broken(dataDir, acknowledged, new Set()), `at the end, SEED=${SEED}`).toEqual([])
      for (const { documentId, sha256 } of acknowledged.uploads) {
        expect(sha256Of(await client.download(documentId))).toBe(sha256)
      }
      for (const [documentId, possible] of acknowledged.heads) {
        expect(possible).toContain(sha256Of(await client.download(documentId)))
      }
      await service.kill('SIGTERM')
      service = start()
      await service.healthy()
      expect(await auditStorage(dataDir)).toMatchObject({ faults: [], staged: [] })

      restartsMs.sort((a, b) => a - b)
      process.stdout.write(
        `SEED=${SEED}: ${KILLS} kills, ${acknowledged.saves.length} saves and ${acknowledged.uploads.length} uploads ` +
          `acknowledged, ${acknowledged.brokenOff} saves broken off; restart median ` +
          `${Math.round(restartsMs[restartsMs.length >> 1] ?? 0)} ms, longest ${Math.round(restartsMs.at(-1) ?? 0)} ms\n`,
      )
      expect(acknowledged.saves.length).toBeGreaterThan(KILLS)
      expect(acknowledged.brokenOff).toBeGreaterThan(KILLS)
    } finally {
      testOver.abort()
      await service.kill()
      await rm(dataDir, { recursive: true, force: true })
    }
  },
  KILLS * EACH_KILL_MS,
)

test(
  'a start that is killed at any instant leaves a folder that starts',
  async () => {
    const random = seededRandom(SEED)
    await using docServer = await startEmulator({ secret: SECRET })
    const port = await freePort()
    for (let round = 0; round < Math.max(3, KILLS / 10); round += 1) {
      const dataDir = await mkdtemp(join(tmpdir(), 'docs-connector-crash-'))
      // Without ADMIN_TOKEN the secrets are made in the folder as well.
      const options = { dataDir, port, docServer, env: { ADMIN_TOKEN: '' } }
      await using killed = startProcess(options)
      await delay(random.between(250, 900))
      await killed.kill()
      await using service: ServiceProcess = startProcess(options)
      expect(await service.healthy()).toBeLessThan(LONGEST_RESTART_MS)
      expect((await auditStorage(dataDir)).faults, `SEED=${SEED}`).toEqual([])
      await service.kill()
      await rm(dataDir, { recursive: true, force: true })
    }
  },
  KILLS * EACH_KILL_MS,
)
