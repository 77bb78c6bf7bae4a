import { Agent, type ClientRequestArgs } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { FaultyCalls } from './faulty-calls.ts'

/** Where a connection breaks. `bytes` is how much of the answer still arrives. */
export type NetworkFault =
  | { kind: 'refused' }
  /** The other side's connection is reset. */
  | { kind: 'reset'; bytes: number }
  /** The other side ends it as if all were sent. */
  | { kind: 'ended'; bytes: number }

/** For `Overrides.agents`: every request has a connection of its own, and those that `calls` says break. */
export function faultyAgents(calls: FaultyCalls, fault: () => NetworkFault) {
  return { httpAgent: new FaultyAgent(calls, fault), httpsAgent: new HttpsAgent() }
}

class FaultyAgent extends Agent {
  readonly #calls: FaultyCalls
  readonly #fault: () => NetworkFault

  constructor(calls: FaultyCalls, fault: () => NetworkFault) {
    super({ keepAlive: false })
    this.#calls = calls
    this.#fault = fault
  }

  override createConnection(
    options: ClientRequestArgs,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const fails = this.#calls.next(`connect ${options.path ?? ''}`) !== undefined
    const fault = this.#fault()
    if (fails && fault.kind === 'refused') return refused()
    const connection = super.createConnection(options, callback)
    if (fails && fault.kind !== 'refused' && connection) breakAfter(connection, fault)
    return connection
  }
}

function refused(): Socket {
  const socket = new Socket()
  process.nextTick(() => socket.destroy(networkError('ECONNREFUSED')))
  return socket
}

/** The bytes pass `push` on their way in: here they can be cut wherever packets begin and end. */
function breakAfter(connection: Duplex, fault: Exclude<NetworkFault, { kind: 'refused' }>): void {
  const push = connection.push.bind(connection)
  let left = fault.bytes
  connection.push = (chunk: Buffer | null, encoding) => {
    if (chunk === null || chunk.length < left) {
      left -= chunk?.length ?? 0
      return push(chunk, encoding)
    }
    connection.push = () => false
    if (left > 0) push(chunk.subarray(0, left))
    if (fault.kind === 'ended') return push(null)
    connection.destroy(networkError('ECONNRESET'))
    return false
  }
}

function networkError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code })
}
