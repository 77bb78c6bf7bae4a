import { setTimeout as delay } from 'node:timers/promises'
import { expect, test as run } from 'vitest'
import * as Y from 'yjs'
import { sha256Of } from '../crash/audit.ts'
import { patientClient } from '../crash/client.ts'
import { startLoad } from '../crash/load.ts'
import { broken, openWitness, snapshotOf, uploadSurely } from '../crash/promises.ts'
import { seededRandom } from '../crash/random.ts'
import { newDocument, startWriter } from '../crash/writer.ts'
import { type HubUser, joined } from '../hub/support.ts'
import { ADMIN_TOKEN } from '../support/app.ts'
import { makeDocx } from '../support/files.ts'
import { signIn } from '../support/service-process.ts'
import { missing, startNodes } from './nodes.ts'

// With the reason in `missing`.
const test = run.skipIf(missing !== undefined)

const KILLS = process.env.SOAK === '1' ? 100 : 10
const SEED = Number(process.env.SEED || Date.now() % 1_000_000)
const EDITED = 4
const WRITERS = 3
const EACH_KILL_MS = 20_000
const DELAYS = Array<number>(500).fill(100)

test(
  `${KILLS} kills of either node lose no acknowledged save and no confirmed update (SEED=${SEED})`,
  async () => {
    const random = seededRandom(SEED)
    await using nodes = await startNodes({
      env: { FORCESAVE_INTERVAL_S: '1', DOWNLOAD_RETRY_S: '1', OPEN_WAIT_S: '1' },
      timings: { closeToSaveMs: 20, retryDelaysMs: Array(20).fill(300), forcesaveMs: 5 },
    })
    const { url, folder, docServer } = nodes
    const over = new AbortController()
    const client = patientClient(url, await signIn(url), over.signal)
    const ids: string[] = []
    for (let at = 0; at < EDITED; at += 1) ids.push(await uploadSurely(client, makeDocx([`Document ${at}`])))
    const witness = await openWitness(client, docServer)
    const shared = await newDocument(url)
    const users: HubUser[] = []
    const writers: ReturnType<typeof startWriter>[] = []
    for (let at = 0; at < WRITERS; at += 1) {
      const user = await joined({ url }, shared, { token: ADMIN_TOKEN, delays: DELAYS })
      users.push(user)
      writers.push(startWriter(user, shared, at))
    }
    const load = startLoad({ client, docServer, random }, ids)
    const verified = new Set<string>()

    for (let kill = 1; kill <= KILLS; kill += 1) {
      await delay(random.between(50, 800))
      const name = random.chance(0.5) ? 'a' : 'b'
      await nodes.node(name).kill()
      await delay(random.between(0, 500))
      await nodes.restart(name)
      const promised = snapshotOf(load.acknowledged)
      expect(await broken(folder, promised, verified), `after kill ${kill}, SEED=${SEED}`).toEqual([])
      await witness.goesOn(kill)
    }

    await load.stop()
    await docServer.settled()
    const { acknowledged } = load
    expect(await broken(folder, acknowledged, verified), `at the end, SEED=${SEED}`).toEqual([])
    for (const { documentId, sha256 } of acknowledged.uploads)
      expect(sha256Of(await client.download(documentId))).toBe(sha256)

    const atLastKill = writers.map(({ confirmed }) => confirmed.length)
    await expect
      .poll(() => writers.every(({ confirmed }, at) => confirmed.length > (atLastKill[at] ?? 0)), {
        timeout: 30_000,
      })
      .toBe(true)
    for (const writer of writers) await writer.stop()
    await using reader = await joined({ url }, shared, { token: ADMIN_TOKEN })
    const merged = new Y.Doc()
    Y.applyUpdate(merged, Buffer.from(await reader.invoke<string>('RequestSync', shared), 'base64'))
    const stored = merged.getArray<string>('words').toArray()
    const confirmed = writers.flatMap((writer) => writer.confirmed)
    expect(
      confirmed.filter((word) => !stored.includes(word)),
      `SEED=${SEED}`,
    ).toEqual([])
    expect(new Set(stored).size, 'none doubled').toBe(stored.length)
    // What each was told, by whichever node it is connected to, is all that the others did.
    for (const { doc } of writers)
      await expect.poll(() => doc.getArray('words').toArray(), { timeout: 20_000 }).toEqual(stored)
    for (const user of users) await user.connection.stop()

    process.stdout.write(
      `SEED=${SEED}: ${KILLS} kills, ${acknowledged.saves.length} saves, ${acknowledged.uploads.length} uploads and ` +
        `${confirmed.length} updates acknowledged, ${acknowledged.brokenOff} saves broken off, none lost\n`,
    )
    over.abort()
  },
  KILLS * EACH_KILL_MS + 120_000,
)
