import { openDocuments, saveCallback } from './callbacks.ts'
import { startDocumentServer } from './document-server.ts'
import { ask } from './load.ts'
import { type Running, startReference } from './processes.ts'
import { below, type Result } from './results.ts'
import { startService, temporaryFolder } from './service.ts'

const SAVES = 4
const MOST_MIB = 150

/** Peak memory while large saves arrive together, beside a saver that streams and does nothing else. */
export async function memory({ isLarge }: { isLarge: boolean }): Promise<Result[]> {
  const results = [await savesOf(200_000_000, '200 MB', 3)]
  if (isLarge) results.push(await savesOf(1_000_000_000, '1 GB', 1))
  return results
}

async function savesOf(fileBytes: number, name: string, rounds: number): Promise<Result> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  await using plain = await temporaryFolder()
  await using service = await startService({ dataDir: folder.path, docServerPort: docServer.port })
  await using saver = await startReference('references/saver-fsync.ts', plain.path)

  const keys = await openDocuments(service, SAVES)
  const fileUrl = `http://localhost:${docServer.port}/file/${fileBytes}`
  const callbacks = keys.map((key) => saveCallback(key, fileUrl))
  const saveAll = async ({ port }: Running) => {
    const answers = await Promise.all(callbacks.map((callback) => ask(port, callback)))
    if (answers.some((status) => status !== 200)) throw new Error(`saves answered ${answers.join(', ')}`)
  }
  for (let round = 0; round < rounds; round++) {
    await saveAll(service)
    await saveAll(saver)
  }
  const peaks = { ours: service.rss().peak, reference: saver.rss().peak }
  return below(`${SAVES} × ${name} saves at once, peak RSS MiB`, peaks, MOST_MIB, peaks.ours)
}
