import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { load, rawRequest } from './load.ts'
import type { Running } from './processes.ts'

const WARM_SECONDS = 2
const READING_MS = 4000
const SAMPLE_MS = 50
/** A reader takes what lies there, then waits: some hundred KB a second. */
const PAUSE_MS = 200

/** How much a warm server grows while many readers take a large file slowly, MiB. */
export async function growthWithSlowReaders(
  server: Running,
  { readers, small, large }: { readers: number; small: string; large: string },
): Promise<number> {
  const request = rawRequest('GET', small)
  await load({ port: server.port, connections: 8, seconds: WARM_SECONDS, request: () => request })
  const before = server.rss().now

  const sockets = Array.from({ length: readers }, () => readSlowly(server.port, rawRequest('GET', large)))
  let highest = before
  for (let passed = 0; passed < READING_MS; passed += SAMPLE_MS) {
    await delay(SAMPLE_MS)
    highest = Math.max(highest, server.rss().now)
  }
  for (const socket of sockets) socket.destroy()
  return highest - before
}

function readSlowly(port: number, request: Buffer): Socket {
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  socket.on('data', () => {
    socket.pause()
    setTimeout(() => socket.resume(), PAUSE_MS)
  })
  return socket
}
