import { once } from 'node:events'
import WebSocket from 'ws'
import type { OpenPeer } from './hub-play.ts'

/** Ends each message; a frame may hold several. Source: SignalR Hub Protocol, JSON encoding. */
const END = '\x1e'
const PING = `{"type":6}${END}`
const ARGUMENTS = '"arguments":["'

export type HubClient = {
  /** @returns the result @throws Error with the hub's words */
  invoke(target: string, ...args: unknown[]): Promise<unknown>
  close(): Promise<void>
}

/** A SignalR client (JSON, WebSockets, negotiation skipped) that reads with the least work, so that the server is what is measured. */
export async function connectHub(
  { port, token = '' }: { port: number; token?: string },
  onUpdate: (message: string) => void = () => {},
): Promise<HubClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/hubs/document`, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
  })
  const waiting = new Map<string, PromiseWithResolvers<unknown>>()
  let invocations = 0

  const end = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  socket.on('error', end)
  socket.on('close', (code) => end(new Error(`the hub closed the connection with ${code}`)))
  await once(socket, 'open')
  socket.send(`{"protocol":"json","version":1}${END}`)
  await new Promise<void>((resolve, reject) => {
    let isShaken = false
    const hear = (message: string) => {
      if (message === '') return
      if (message.includes('"ReceiveUpdate"')) onUpdate(message)
      else if (message.includes('"type":3')) complete(message)
      else if (message.includes('"type":6')) socket.send(PING)
      else if (message.includes('"type":7')) end(new Error(`the hub says ${message}`))
    }
    socket.on('message', (data: Buffer) => {
      const messages = data.toString('latin1').split(END)
      if (!isShaken) {
        isShaken = true
        const answer = messages.shift()
        if (answer !== '{}') reject(new Error(`the handshake was answered by ${answer}`))
        resolve()
      }
      for (const message of messages) hear(message)
    })
    socket.once('close', () => reject(new Error('the hub refused the handshake')))
  })

  function complete(message: string) {
    const { invocationId, result, error } = JSON.parse(message) as {
      invocationId: string
      result?: unknown
      error?: string
    }
    const { resolve, reject } = waiting.get(invocationId) ?? {}
    waiting.delete(invocationId)
    if (error === undefined) resolve?.(result)
    else reject?.(new Error(error))
  }

  return {
    invoke(target, ...args) {
      const invocationId = `${invocations++}`
      const completion = Promise.withResolvers<unknown>()
      waiting.set(invocationId, completion)
      socket.send(`${JSON.stringify({ type: 1, invocationId, target, arguments: args })}${END}`)
      return completion.promise
    },
    async close() {
      if (socket.readyState === WebSocket.CLOSED) return
      const closed = once(socket, 'close')
      socket.close()
      await closed
    },
  }
}

/** Members of one document. */
export function hubPeers(server: { port: number; token?: string }, documentId: string): OpenPeer {
  return async (onUpdate) => {
    const client = await connectHub(server, (message) => {
      const start = message.indexOf(ARGUMENTS) + ARGUMENTS.length
      onUpdate(({ base64 }) => message.startsWith(`${base64}"`, start))
    })
    await client.invoke('JoinDocument', documentId)
    return {
      send: ({ base64 }) => client.invoke('SendUpdate', documentId, base64),
      close: client.close,
    }
  }
}
