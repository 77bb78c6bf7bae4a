import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Says where a reference listens. */
export async function announce(server: Server): Promise<void> {
  if (!server.listening) await once(server, 'listening')
  process.stdout.write(`http://localhost:${(server.address() as AddressInfo).port}\n`)
}
