import { readdirSync, readFileSync } from 'node:fs'
import { createEncoder, toUint8Array, writeUint8, writeVarString, writeVarUint } from 'lib0/encoding'

/**
 * Updates that are quickly checked and slowly applied one after the other: of so many clients each, all of
 * which insert at the same place, those of later updates with greater ids.
 */
export function crowds(count: number, clients: number): Uint8Array[] {
  return Array.from({ length: count }, (_, crowd) => {
    const encoder = createEncoder()
    writeVarUint(encoder, clients)
    for (let client = clients - 1; client >= 0; client -= 1) {
      writeVarUint(encoder, 1)
      writeVarUint(encoder, 100_000 + crowd * clients + client)
      writeVarUint(encoder, 0)
      writeUint8(encoder, 4)
      writeVarUint(encoder, 1)
      writeVarString(encoder, 'a')
      writeVarString(encoder, 'x')
    }
    writeVarUint(encoder, 0)
    return toUint8Array(encoder)
  })
}

/** Ids of the Yjs processes that a process has started. */
export function yjsProcessesOf(parent: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')
        const isYjs = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('updates/worker')
        return isYjs && Number(fields?.[1]) === parent && fields?.[0] !== 'Z'
      } catch {
        return false
      }
    })
}
