import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename } from 'node:fs/promises'
import { Agent, createServer, get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { announce } from './announce.ts'

// download → tmp → fsync → rename; no token, no check, no row.
const folder = process.argv[2] ?? ''
const agent = new Agent({ keepAlive: true })
const server = createServer(async (request, response) => {
  const { url } = (await json(request)) as { url: string }
  const file = await new Promise<IncomingMessage>((resolve, reject) =>
    get(url, { agent }, resolve).once('error', reject),
  )
  const name = join(folder, randomUUID())
  await pipeline(file, createWriteStream(`${name}.tmp`, { flush: true }))
  await rename(`${name}.tmp`, name)
  response.writeHead(200, { 'Content-Length': 11 }).end('{"error":0}')
})
announce(server.listen(0, '127.0.0.1'))
