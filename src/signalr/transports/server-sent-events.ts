import type { ServerResponse } from 'node:http'
import type { Connection } from '../connection.ts'
import { NO_CACHE } from '../requests.ts'
import type { Transport } from '../transport.ts'

/** Connects `connection` by a response that does not end; what the client sends comes in requests. */
export function connectServerSentEvents<C>(connection: Connection<C>, response: ServerResponse): void {
  response.writeHead(200, {
    'Content-Type': 'text/event-stream',
    ...NO_CACHE,
    'Content-Encoding': 'identity',
    // Else nginx holds events back.
    'X-Accel-Buffering': 'no',
  })
  // Firefox takes the connection for open once there is data.
  response.write(':\r\n')
  response.on('error', () => {})
  response.once('close', () => connection.gone())
  connection.connect(new ServerSentEvents(response))
}

/** Source: SignalR TransportProtocols.md, Server-Sent Events. */
class ServerSentEvents implements Transport {
  readonly name = 'ServerSentEvents'
  readonly supportsBinary = false
  readonly isKeptAlive = false
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  write(bytes: Buffer): void {
    if (!this.#response.writable) return
    // JSON messages have no line ends of their own: one line holds them all.
    this.#response.cork()
    this.#response.write('data: ')
    this.#response.write(bytes)
    this.#response.write('\r\n\r\n')
    this.#response.uncork()
  }

  end(): void {
    this.#response.end()
  }

  destroy(): void {
    this.#response.destroy()
  }
}
