import { setTimeout as delay } from 'node:timers/promises'
import { connectHub } from './hub-client.ts'
import type { Running } from './processes.ts'

const CONNECTIONS = 1000
const IN_ONE_DOCUMENT = 10
/** These come first and stay, so that the growth is not that of a server without any. */
const EARLIER = 200
const SETTLE_MS = 5000

/** How many documents the connections need. */
export const IDLE_DOCUMENTS = (EARLIER + CONNECTIONS) / IN_ONE_DOCUMENT

/** How much a fresh server grows with each connection that has joined a document and does nothing. */
export async function kbPerConnection(
  server: Running & { token?: string },
  documentIds: string[],
): Promise<number> {
  await using clients = new AsyncDisposableStack()
  const join = async (from: number, to: number) => {
    for (let number = from; number < to; number++) {
      const client = clients.adopt(await connectHub(server), ({ close }) => close())
      await client.invoke('JoinDocument', documentIds[Math.floor(number / IN_ONE_DOCUMENT)])
    }
    await delay(SETTLE_MS)
    return server.rss().now * 1024
  }
  const before = await join(0, EARLIER)
  return ((await join(EARLIER, EARLIER + CONNECTIONS)) - before) / CONNECTIONS
}
