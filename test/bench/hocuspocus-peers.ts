import { once } from 'node:events'
import { createEncoder, toUint8Array, writeVarString, writeVarUint, writeVarUint8Array } from 'lib0/encoding'
import WebSocket from 'ws'
import type { OpenPeer } from './hub-play.ts'
import type { Update } from './hub-trace.ts'

// Source: MessageType of @hocuspocus/server, y-protocols/PROTOCOL.md.
const SYNC = 0
const STEP_1 = 0
const STEP_2 = 1
const UPDATE = 2
const AUTH = 2
const TOKEN = 0
const SYNC_STATUS = 8
const NO_STATE = Uint8Array.of(0)

/** Members of one document; like those of the hub they read with the least work. */
export function hocuspocusPeers({ port }: { port: number }, documentId: string): OpenPeer {
  const address = encoded((encoder) => writeVarString(encoder, documentId))
  const sync = (kind: number, bytes: Uint8Array) =>
    encoded((encoder) => {
      writeVarString(encoder, documentId)
      writeVarUint(encoder, SYNC)
      writeVarUint(encoder, kind)
      writeVarUint8Array(encoder, bytes)
    })

  return async (onUpdate) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false })
    const ready = Promise.withResolvers<void>()
    const unconfirmed: PromiseWithResolvers<void>[] = []
    const own = new Set<string>()
    socket.on('message', (data: Buffer) => {
      const [type, kind] = data.subarray(address.length)
      if (type === SYNC_STATUS) unconfirmed.shift()?.resolve()
      else if (type === SYNC && kind === STEP_2) ready.resolve()
      else if (type === SYNC && kind === UPDATE && !own.delete(data.toString('latin1'))) {
        // The update is what the message ends with, behind its length.
        onUpdate(({ bytes }) => data.subarray(-bytes.length).equals(bytes))
      }
    })
    socket.on('close', (code) => {
      const error = new Error(`hocuspocus closed the connection with ${code}`)
      ready.reject(error)
      for (const { reject } of unconfirmed) reject(error)
    })
    await once(socket, 'open')
    socket.send(
      encoded((encoder) => {
        writeVarString(encoder, documentId)
        writeVarUint(encoder, AUTH)
        writeVarUint(encoder, TOKEN)
        writeVarString(encoder, 'none')
      }),
    )
    socket.send(sync(STEP_1, NO_STATE))
    await ready.promise

    return {
      send({ bytes }: Update) {
        const message = sync(UPDATE, bytes)
        // Who sends an update gets it back.
        own.add(Buffer.from(message).toString('latin1'))
        const confirmation = Promise.withResolvers<void>()
        unconfirmed.push(confirmation)
        socket.send(message)
        return confirmation.promise
      },
      async close() {
        const closed = once(socket, 'close')
        socket.close()
        await closed
      },
    }
  }
}

function encoded(write: (encoder: ReturnType<typeof createEncoder>) => void): Uint8Array {
  const encoder = createEncoder()
  write(encoder)
  return toUint8Array(encoder)
}
