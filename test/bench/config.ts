import { startDocumentServer } from './document-server.ts'
import { load, rawRequest } from './load.ts'
import { startReference } from './processes.ts'
import { atLeast, type Result } from './results.ts'
import { interleaved } from './rounds.ts'
import { SECRET, startService, temporaryFolder } from './service.ts'

const DOCUMENTS = 200
const CONNECTIONS = 32
const SECONDS = 2
/** The official example's figure beside the floor's, as once measured. */
const EXAMPLE_TO_FLOOR = 1579 / 5409

/** Signed configs of many documents by a client's bearer, beside a handler that only builds and signs one. */
export async function config(): Promise<Result[]> {
  await using docServer = await startDocumentServer()
  await using folder = await temporaryFolder()
  await using service = await startService({ dataDir: folder.path, docServerPort: docServer.port })
  await using floor = await startReference('references/config-floor.ts', SECRET)

  const requests: Buffer[] = []
  const authorization = `Bearer ${service.token}`
  for (let number = 0; number < DOCUMENTS; number++) {
    const id = await service.upload(`Report ${number}.txt`, new Blob([`Report ${number}`]))
    requests.push(
      rawRequest('GET', `/api/onlyoffice/config/${id}?userId=ann&userName=Ann`, { authorization }),
    )
  }
  const floorRequest = rawRequest('GET', '/config/0198c0de-0000-7000-8000-000000000000', { authorization })

  const perSecond = async (port: number, request: () => Buffer) => {
    const done = await load({ port, connections: CONNECTIONS, seconds: SECONDS, request })
    if (done.failed > 0) throw new Error(`${done.failed} configs failed`)
    return done.perSecond
  }
  let next = 0
  const medians = await interleaved(
    () => perSecond(service.port, () => requests[next++ % DOCUMENTS] ?? floorRequest),
    () => perSecond(floor.port, () => floorRequest),
  )
  const { peak } = service.rss()
  return [
    atLeast('signed config/s', medians, 0.75, peak),
    atLeast('  beside 2.5 × the official example', medians, round(2.5 * EXAMPLE_TO_FLOOR)),
  ]
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
