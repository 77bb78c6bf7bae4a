import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { announce } from './announce.ts'

// The least SignalR hub (JSON, WebSockets, negotiation skipped): relays to the others in the document and stores nothing.
type Invocation = { type?: number; target?: string; invocationId?: string; arguments: string[] }

const END = '\x1e'
const rooms = new Map<string, Set<WebSocket>>()
const server = createServer()
new WebSocketServer({ server, path: '/hubs/document' }).on('connection', (socket) => {
  const connectionId = randomUUID()
  const joined = new Set<Set<WebSocket>>()
  let isShaken = false
  socket.on('message', (data) => {
    for (const message of data.toString().split(END)) {
      if (message === '') continue
      if (isShaken) handle(JSON.parse(message) as Invocation)
      else socket.send(`{}${END}`)
      isShaken = true
    }
  })
  socket.once('close', () => {
    for (const room of joined) room.delete(socket)
  })

  function handle({ type, target, invocationId, arguments: args }: Invocation) {
    if (type !== 1) return
    const [documentId = '', update] = args
    if (target === 'JoinDocument') {
      const room = rooms.get(documentId) ?? new Set()
      rooms.set(documentId, room.add(socket))
      joined.add(room)
    } else if (target === 'SendUpdate') {
      const event = { type: 1, target: 'ReceiveUpdate', arguments: [update, connectionId, documentId] }
      const bytes = Buffer.from(`${JSON.stringify(event)}${END}`)
      for (const other of rooms.get(documentId) ?? []) {
        if (other !== socket) other.send(bytes, { binary: false })
      }
    }
    if (invocationId !== undefined)
      socket.send(`{"type":3,"invocationId":"${invocationId}","result":null}${END}`)
  }
})
announce(server.listen(0, '127.0.0.1'))
