import { connect } from 'node:net'

const READ_BYTES = 256 * 1024

export type Load = {
  port: number
  connections: number
  seconds: number
  /** The next request of a connection, as it goes over the wire; keep-alive, HTTP/1.1. */
  request: (connection: number) => Buffer
}

/** What was finished (requests) and received (bytes) within the time; `failed` are answers other than 200. */
export type Throughput = { perSecond: number; mbPerSecond: number; failed: number }

/**
 * As many requests as the server takes, one after the other on each connection. It reads answers
 * with the least work, so that the server is what is measured; they must have a Content-Length.
 */
export async function load({ port, connections, seconds, request }: Load): Promise<Throughput> {
  const seen = { requests: 0, bytes: 0, failed: 0 }
  const started = performance.now()
  const isOver = () => performance.now() - started >= seconds * 1000
  await Promise.all(
    Array.from({ length: connections }, (_, index) =>
      converse(port, {
        next: () => (isOver() ? undefined : request(index)),
        received(bytes) {
          if (!isOver()) seen.bytes += bytes
        },
        answered(status) {
          if (status !== 200) seen.failed += 1
          else if (!isOver()) seen.requests += 1
        },
      }),
    ),
  )
  return {
    perSecond: seen.requests / seconds,
    mbPerSecond: seen.bytes / 1e6 / seconds,
    failed: seen.failed,
  }
}

/** One answer to one request. */
export async function ask(port: number, request: Buffer): Promise<number> {
  let answer = 0
  let isAsked = false
  await converse(port, {
    next() {
      if (isAsked) return undefined
      isAsked = true
      return request
    },
    received() {},
    answered(status) {
      answer = status
    },
  })
  return answer
}

/** A request with a body goes out in one piece. */
export function rawRequest(
  method: 'GET' | 'POST',
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Buffer {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`)
  const length = method === 'POST' ? [`Content-Length: ${Buffer.byteLength(body)}`] : []
  return Buffer.from(`${[`${method} ${path} HTTP/1.1`, ...lines, ...length].join('\r\n')}\r\n\r\n${body}`)
}

type Conversation = {
  /** Undefined ends the conversation. */
  next: () => Buffer | undefined
  received: (bytes: number) => void
  answered: (status: number) => void
}

function converse(port: number, { next, received, answered }: Conversation): Promise<void> {
  return new Promise((resolve, reject) => {
    let head = Buffer.alloc(0)
    let status = 0
    /** Of the body; undefined while the head is being read. */
    let missing: number | undefined

    const socket = connect({
      port,
      host: '127.0.0.1',
      onread: {
        buffer: Buffer.allocUnsafe(READ_BYTES),
        callback(length, buffer) {
          received(length)
          feed(Buffer.from(buffer.buffer, buffer.byteOffset, length))
          return true
        },
      },
    })
    socket.setNoDelay(true)
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed the connection')))
    socket.once('connect', send)

    function send() {
      const request = next()
      if (request !== undefined) {
        socket.write(request)
        return
      }
      resolve()
      socket.destroy()
    }

    function feed(bytes: Buffer) {
      if (missing === undefined) {
        const all = head.length === 0 ? bytes : Buffer.concat([head, bytes])
        const end = all.indexOf('\r\n\r\n')
        if (end === -1) {
          // The buffer of the socket is used again for the next read.
          head = Buffer.from(all)
          return
        }
        const text = all.toString('latin1', 0, end)
        status = Number(text.slice(9, 12))
        missing = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1]) - (all.length - end - 4)
        head = Buffer.alloc(0)
        if (Number.isNaN(missing)) socket.destroy(new Error('the answer has no Content-Length'))
      } else {
        missing -= bytes.length
      }
      if (missing !== 0) return
      missing = undefined
      answered(status)
      send()
    }
  })
}
