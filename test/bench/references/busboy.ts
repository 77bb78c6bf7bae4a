import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Busboy } from '@fastify/busboy'
import { announce } from './announce.ts'

// Multipart to disk; no fsync, no hash, no check, no row.
const folder = process.argv[2] ?? ''
const server = createServer((request, response) => {
  const form = new Busboy({ headers: { 'content-type': request.headers['content-type'] ?? '' } })
  let written: Promise<void> | undefined
  form.on('file', (_field, bytes) => {
    written = pipeline(bytes, createWriteStream(join(folder, randomUUID())))
  })
  form.once('finish', async () => {
    await written
    response.writeHead(200, { 'Content-Length': 2 }).end('{}')
  })
  request.pipe(form)
})
announce(server.listen(0, '127.0.0.1'))
