import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { docxOf } from './docx.ts'

const CHUNK_BYTES = 1024 ** 2

export type MinimalDocumentServer = AsyncDisposable & {
  port: number
  /** Forced saves that were asked for and answered since the last `reset`. */
  forcesaves: { count: number; firstAt: number; lastAt: number }
  reset(): void
}

/**
 * The least that the service needs of a Document Server, in the process of the load:
 * CommandService with an answer to each command, and `/file/<bytes>`, a docx of that size that is
 * another one each time.
 */
export async function startDocumentServer(): Promise<MinimalDocumentServer> {
  const forcesaves = { count: 0, firstAt: 0, lastAt: 0 }
  const server = createServer(async (request, response) => {
    if (request.url?.startsWith('/file/')) return sendDocx(Number(request.url.slice(6)), response)
    const command = await commandOf(request)
    if (command === 'forcesave') {
      forcesaves.count += 1
      forcesaves.firstAt ||= performance.now()
      forcesaves.lastAt = performance.now()
    }
    sendJson(response, answerTo(command, forcesaves.count))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    forcesaves,
    reset: () => Object.assign(forcesaves, { count: 0, firstAt: 0, lastAt: 0 }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function commandOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += chunk
  return body === '' ? '' : (JSON.parse(body) as { c: string }).c
}

/** Every other forced save finds nothing new. */
function answerTo(command: string, count: number): object | true {
  if (command === 'forcesave') return { error: count % 2 === 0 ? 0 : 4 }
  if (command === 'getForgottenList') return { error: 0, keys: [] }
  if (command === 'info') return { error: 0, users: ['user'] }
  return command === '' ? true : { error: 0 }
}

function sendJson(response: ServerResponse, answer: object | true): void {
  const text = JSON.stringify(answer)
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': text.length }).end(text)
}

const filler = randomBytes(CHUNK_BYTES)
const files = new Map<number, ReturnType<typeof docxOf>>()
let served = 0

async function sendDocx(size: number, response: ServerResponse): Promise<void> {
  const docx = files.get(size) ?? docxOf(size)
  files.set(size, docx)
  const mark = Buffer.alloc(8)
  mark.writeDoubleLE(served++)
  response.writeHead(200, { 'Content-Length': size })
  response.cork()
  response.write(docx.head)
  response.write(mark)
  let missing = docx.fillerBytes - mark.length
  while (missing > 0) {
    const part = filler.subarray(0, Math.min(missing, CHUNK_BYTES))
    missing -= part.length
    const hasRoom = response.write(part)
    if (!hasRoom && missing > CHUNK_BYTES) {
      response.uncork()
      await once(response, 'drain')
      response.cork()
    }
  }
  response.end(docx.tail)
}
