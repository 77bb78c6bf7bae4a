import { execFileSync } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { startDocumentServer } from './document-server.ts'
import { docxOf } from './docx.ts'
import { startReference } from './processes.ts'
import { atLeast, below, type Result } from './results.ts'
import { interleaved } from './rounds.ts'
import { sendUpload } from './send-upload.ts'
import { startService, temporaryFolder } from './service.ts'

const MOST_MIB = 150
/** ext4 makes files slowly beside inodes freed in the last 5 s, such as those of the row before. */
const SETTLE_MS = 6000

const UPLOADS = [
  { name: '1 MB', bytes: 1_000_000, atOnce: 4, each: 25 },
  { name: '200 MB', bytes: 200_000_000, atOnce: 1, each: 2 },
]

/** Uploads that are durable and checked, beside multipart to disk without either. */
export async function upload(): Promise<Result[]> {
  const results: Result[] = []
  for (const { name, bytes, atOnce, each } of UPLOADS) {
    await using docServer = await startDocumentServer()
    await using folder = await temporaryFolder()
    await using plain = await temporaryFolder()
    await using service = await startService({ dataDir: folder.path, docServerPort: docServer.port })
    await using busboy = await startReference('references/busboy.ts', plain.path)

    const docx = docxOf(bytes)
    const authorization = `Bearer ${service.token}`
    const seconds = async (port: number) => {
      // On ext4 an fsync also waits for what others wrote without one.
      execFileSync('sync')
      const started = performance.now()
      const sendAll = async () => {
        for (let count = 0; count < each; count++) await sendUpload(port, authorization, docx)
      }
      await Promise.all(Array.from({ length: atOnce }, sendAll))
      return (performance.now() - started) / 1000
    }
    await delay(SETTLE_MS)
    const isSmall = atOnce > 1
    const amount = isSmall ? atOnce * each : (each * bytes) / 1e6
    const medians = await interleaved(
      async () => amount / (await seconds(service.port)),
      async () => amount / (await seconds(busboy.port)),
    )
    const peaks = { ours: service.rss().peak, reference: busboy.rss().peak }
    results.push(atLeast(`upload ${name}, ${isSmall ? 'files/s' : 'MB/s'}`, medians, 0.9, peaks.ours))
    results.push(below(`upload ${name}, peak RSS MiB`, peaks, MOST_MIB, peaks.ours))
  }
  return results
}
