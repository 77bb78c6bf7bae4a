import { startDocumentServer } from './document-server.ts'
import { load, rawRequest } from './load.ts'
import { startReference } from './processes.ts'
import type { Result } from './results.ts'
import { interleaved } from './rounds.ts'
import { startService, temporaryFolder } from './service.ts'

const CONNECTIONS = 16
const SECONDS = 2
const LEAST = 500

/** Tokens for API keys, beside a server that only hashes the secret. */
export async function token(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  await using service = await startService({ dataDir: folder.path, docServerPort: docServer.port })
  await using hash = await startReference('references/hash.ts', service.credentials.secret)

  const headers = { 'Content-Type': 'application/json' }
  const request = rawRequest('POST', '/api/auth/token', headers, JSON.stringify(service.credentials))
  const perSecond = async (port: number) => {
    const done = await load({ port, connections: CONNECTIONS, seconds: SECONDS, request: () => request })
    if (done.failed > 0) throw new Error(`${done.failed} tokens failed`)
    return done.perSecond
  }
  const medians = await interleaved(
    () => perSecond(service.port),
    () => perSecond(hash.port),
  )
  const isMet = medians.ours >= LEAST
  return [{ row: 'tokens/s', ...medians, target: `≥ ${LEAST}`, isMet, peakRss: service.rss().peak }]
}
