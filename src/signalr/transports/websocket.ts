import { WebSocket } from 'ws'
import type { Connection } from '../connection.ts'
import type { Transport } from '../transport.ts'

/** Connects `connection` by a socket whose opening handshake is done. */
export function connectWebSocket<C>(
  connection: Connection<C>,
  socket: WebSocket,
  mostBufferedBytes: number,
): void {
  const transport = new WebSocketTransport(socket)
  connection.connect(transport)
  socket.on('message', (data) => {
    // Given as one Buffer: the socket's binaryType is never changed.
    const room = connection.receive(data as Buffer)
    if (room === undefined || socket.isPaused) return
    socket.pause()
    void room.then(() => socket.resume())
  })
  // Answered here and not by `ws`: whoever pings and reads no answers would fill the memory.
  socket.on('ping', (data) => {
    if (socket.bufferedAmount > mostBufferedBytes) connection.drop()
    else socket.pong(data)
  })
  // `ws` closes it itself; all that counts is that it ends.
  socket.on('error', () => {})
  socket.on('close', () => connection.gone())
}

class WebSocketTransport implements Transport {
  readonly name = 'WebSockets'
  readonly supportsBinary = true
  readonly isKeptAlive = false
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    this.#socket = socket
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  write(bytes: Buffer, isBinary: boolean): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bytes, { binary: isBinary })
  }

  end(): void {
    this.#socket.close(1000)
  }

  destroy(): void {
    this.#socket.terminate()
  }
}
