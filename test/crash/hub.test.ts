import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { startEmulator } from '../../src/emulator/start.ts'
import { type HubUser, joined } from '../hub/support.ts'
import { ADMIN_TOKEN, SECRET } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { startProcess } from '../support/service-process.ts'
import { seededRandom } from './random.ts'
import { newDocument, startWriter } from './writer.ts'

const KILLS = Number(process.env.KILLS || 6)
const SEED = Number(process.env.SEED || Date.now() % 1_000_000)
const WRITERS = 10
const EACH_KILL_MS = 15_000
/** Retries until the service is back. */
const DELAYS = Array<number>(500).fill(100)

test(
  `${KILLS} kills lose no update whose sending was completed (SEED=${SEED})`,
  async () => {
    const random = seededRandom(SEED)
    const dataDir = await mkdtemp(join(tmpdir(), 'docs-connector-hub-crash-'))
    await using docServer = await startEmulator({ secret: SECRET })
    const port = await freePort()
    const start = () => startProcess({ dataDir, port, docServer, env: { UV_THREADPOOL_SIZE: '4' } })
    let service = start()
    try {
      await service.healthy()
      const id = await newDocument(service.url)
      const users: HubUser[] = []
      const writers: ReturnType<typeof startWriter>[] = []
      for (let at = 0; at < WRITERS; at += 1) {
        const user = await joined({ url: service.url }, id, { token: ADMIN_TOKEN, delays: DELAYS })
        users.push(user)
        writers.push(startWriter(user, id, at))
      }

      for (let kill = 1; kill <= KILLS; kill += 1) {
        await delay(random.between(50, 600))
        await service.kill()
        service = start()
        await service.healthy()
      }
      const atLastKill = writers.map(({ confirmed }) => confirmed.length)
      // All come back by themselves and go on.
      await expect
        .poll(() => writers.every(({ confirmed }, at) => confirmed.length > (atLastKill[at] ?? 0)), {
          timeout: 30_000,
        })
        .toBe(true)
      for (const writer of writers) await writer.stop()

      await using reader = await joined({ url: service.url }, id, { token: ADMIN_TOKEN })
      const state = Buffer.from(await reader.invoke<string>('RequestSync', id), 'base64')
      const merged = new Y.Doc()
      Y.applyUpdate(merged, state)
      const stored = merged.getArray<string>('words').toArray()
      const confirmed = writers.flatMap((writer) => writer.confirmed)
      const missing = confirmed.filter((word) => !stored.includes(word))
      expect(missing, `SEED=${SEED}`).toEqual([])
      expect(new Set(stored).size, 'none doubled').toBe(stored.length)

      // What each was told since it came back is all that the others did.
      for (const { doc } of writers) {
        const words = () => doc.getArray<string>('words').toArray()
        await expect.poll(words, { timeout: 20_000 }).toEqual(stored)
      }
      process.stdout.write(`SEED=${SEED}: ${KILLS} kills, ${confirmed.length} updates confirmed, none lost\n`)
      expect(confirmed.length).toBeGreaterThan(KILLS * 5)
      for (const user of users) await user.connection.stop()
    } finally {
      await service.kill()
      await rm(dataDir, { recursive: true, force: true })
    }
  },
  KILLS * EACH_KILL_MS + 60_000,
)
