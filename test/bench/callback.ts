import { setTimeout as delay } from 'node:timers/promises'
import { openDocuments, saveCallback } from './callbacks.ts'
import { startDocumentServer } from './document-server.ts'
import { load } from './load.ts'
import { startReference } from './processes.ts'
import { atLeast, type Result } from './results.ts'
import { interleaved } from './rounds.ts'
import { startService, temporaryFolder } from './service.ts'

const SECONDS = 2
const IN_FLIGHT = 16
const DOCUMENTS_EACH = 8
const FILE_BYTES = 100_000
/** ext4 makes files slowly beside inodes freed in the last 5 s, such as those of the row before. */
const SETTLE_MS = 6000

/** Saves that are durable with their version row, beside download → tmp → fsync → rename alone. */
export async function callback(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  await using plain = await temporaryFolder()
  await using service = await startService({ dataDir: folder.path, docServerPort: docServer.port })
  await using saver = await startReference('references/saver-fsync.ts', plain.path)

  const keys = await openDocuments(service, IN_FLIGHT * DOCUMENTS_EACH)
  const fileUrl = `http://localhost:${docServer.port}/file/${FILE_BYTES}`
  const callbacks = keys.map((key) => saveCallback(key, fileUrl))
  let turn = 0
  // A document belongs to one connection: its saves come one after the other, as from Document Server.
  const request = (connection: number) => {
    turn += 1
    return callbacks[connection * DOCUMENTS_EACH + (turn % DOCUMENTS_EACH)] ?? Buffer.alloc(0)
  }
  const perSecond = async (port: number) => {
    const done = await load({ port, connections: IN_FLIGHT, seconds: SECONDS, request })
    if (done.failed > 0) throw new Error(`${done.failed} saves failed`)
    return done.perSecond
  }
  await delay(SETTLE_MS)
  const medians = await interleaved(
    () => perSecond(service.port),
    () => perSecond(saver.port),
  )
  return [atLeast('durable saves/s, 100 KB', medians, 0.7, service.rss().peak)]
}
