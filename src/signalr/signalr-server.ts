import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { BROKEN, type Connection } from './connection.ts'
import { ConnectionTokens } from './connection-tokens.ts'
import { Connections } from './connections.ts'
import type { Hub, HubConnection } from './hub.ts'
import { negotiated, versionError } from './negotiate.ts'
import { Refusal } from './refusal.ts'
import {
  answer,
  isAllowedOrigin,
  isPreflight,
  queryOf,
  readBody,
  refuse,
  refuseUpgrade,
  setCorsHeaders,
  tokenOf,
} from './requests.ts'
import { Sends } from './sends.ts'
import { TIMES, type Times } from './times.ts'
import { LongPolling } from './transports/long-polling.ts'
import { connectServerSentEvents } from './transports/server-sent-events.ts'
import { connectWebSocket } from './transports/websocket.ts'
import { Turn, WaitingRoom } from './turn.ts'

/** Clients send several messages at once: some small ones may go with one of the greatest size. */
const BATCH_SLACK_BYTES = 64 * 1024

export type SignalROptions<C> = {
  hub: Hub<C>
  /** Who presents this token. @throws Refusal with the HTTP status (401 | 403 | 429 | 503) and text of the answer */
  authenticate(token: string | undefined, request: IncomingMessage): Promise<C>
  /** Connections of one client share a rate, and their number is limited. */
  clientKeyOf(client: C): string
  /** The same on all nodes: then a WebSocket may connect to another one than it was negotiated on. */
  connectionKey?: Buffer
  /** Allowed origins for browsers, exact; empty: any. Echoed with credentials. */
  origins: readonly string[]
  limits: {
    maxMessageBytes: number
    messagesPerS: number
    clientMessagesPerS: number
    mostConnections: number
    /** Negotiated ones that never connected among them, until they are forgotten. */
    mostConnectionsPerClient: number
    mostBufferedBytes: number
  }
  /** Those of ASP.NET where none are given. */
  times?: Partial<Times>
  /** What a method threw that is no HubError, and faults of our own. */
  onError(error: unknown, method: string): void
}

/** Serves a hub over WebSockets, Server-Sent Events and Long Polling. Source: SignalR TransportProtocols.md. */
export class SignalRServer<C> {
  readonly #options: SignalROptions<C>
  readonly #times: Times
  readonly #connections: Connections<C>
  readonly #sends = new Sends()
  readonly #sockets: WebSocketServer

  constructor(options: SignalROptions<C>) {
    const { hub, limits, onError, connectionKey } = options
    const times = { ...TIMES, ...options.times }
    this.#options = options
    this.#times = times
    const tokens = new ConnectionTokens(connectionKey)
    this.#connections = new Connections(limits, (client) => options.clientKeyOf(client), tokens, {
      hub,
      limits,
      times,
      turn: new Turn(),
      waitingRoom: new WaitingRoom(),
      onError,
    })
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      // It costs each connection two hundred kilobytes.
      perMessageDeflate: false,
      maxPayload: limits.maxMessageBytes + BATCH_SLACK_BYTES,
      autoPong: false,
    })
  }

  /** Answers {hub} and {hub}/negotiate; `path` is what follows the hub's own path: '' or '/negotiate' */
  async handle(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    try {
      setCorsHeaders(request, response, this.#options.origins)
      if (isPreflight(request)) response.writeHead(204).end()
      else await this.#route(request, response, path)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else refuse(request, response, this.#asRefusal(error))
    }
  }

  /** A WebSocket upgrade of {hub} */
  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const ignore = () => {}
    socket.on('error', ignore)
    try {
      if (!isAllowedOrigin(request, this.#options.origins))
        throw new Refusal(403, 'This origin is not allowed')
      const query = queryOf(request)
      const client = await this.#options.authenticate(tokenOf(request, query), request)
      // Without an id the client has not negotiated and is served all the same.
      const connection = query.has('id')
        ? this.#connections.ownedOrAdopted(client, query)
        : this.#connections.open(client)
      demandUnconnected(connection)
      this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off('error', ignore)
        connectWebSocket(connection, webSocket, this.#options.limits.mostBufferedBytes)
      })
    } catch (error) {
      refuseUpgrade(socket, this.#asRefusal(error))
    }
  }

  connections(): Iterable<HubConnection<C>> {
    return this.#connections
  }

  /** Tells all to reconnect and ends; resolves when they are gone or after a short while */
  close(): Promise<void> {
    return this.#connections.close()
  }

  async #route(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (path !== '' && path !== '/negotiate') throw new Refusal(404, 'There is nothing here')
    const allowed = path === '' ? ['GET', 'POST', 'DELETE'] : ['POST']
    const method = request.method ?? ''
    if (!allowed.includes(method)) {
      throw new Refusal(405, 'This method is not allowed here', { Allow: [...allowed, 'OPTIONS'].join(', ') })
    }
    const query = queryOf(request)
    const client = await this.#options.authenticate(tokenOf(request, query), request)
    if (path === '/negotiate') return this.#negotiate(client, query, request, response)
    const connection = this.#connections.ownedBy(client, query)
    if (method === 'POST') await this.#send(connection, request, response)
    else if (method === 'DELETE') this.#delete(connection, response)
    else if (request.headers.accept?.includes('text/event-stream')) {
      demandUnconnected(connection)
      connectServerSentEvents(connection, response)
    } else this.#poll(connection, response)
  }

  async #negotiate(client: C, query: URLSearchParams, request: IncomingMessage, response: ServerResponse) {
    await readBody(request, BATCH_SLACK_BYTES, this.#times.bodyMs)
    const error = versionError(query)
    const body = error === undefined ? negotiated(this.#connections.open(client)) : JSON.stringify({ error })
    answer(response, 200, body, 'application/json')
  }

  async #send(connection: Connection<C>, request: IncomingMessage, response: ServerResponse) {
    const { transport } = connection
    if (transport === undefined) throw new Refusal(400, 'The connection has no transport yet')
    if (transport.name === 'WebSockets') throw new Refusal(405, 'A WebSocket takes no requests')
    const maxBytes = this.#options.limits.maxMessageBytes + BATCH_SLACK_BYTES
    await this.#sends.run(connection, async () => {
      const body = await readBody(request, maxBytes, this.#times.bodyMs).catch((error) => {
        if (error instanceof Refusal && error.status === 413) connection.close(BROKEN)
        throw error
      })
      if (connection.isClosed) throw new Refusal(404, 'No Connection with that ID')
      await connection.receive(body)
    })
    answer(response, 200, '')
  }

  #delete(connection: Connection<C>, response: ServerResponse): void {
    if (connection.transport?.name !== 'LongPolling') {
      throw new Refusal(400, 'Cannot terminate this connection via the DELETE endpoint.')
    }
    connection.drop()
    answer(response, 202, '')
  }

  #poll(connection: Connection<C>, response: ServerResponse): void {
    const { transport } = connection
    if (transport instanceof LongPolling) transport.poll(response)
    else if (transport !== undefined) throw new Refusal(400, 'Cannot change transports mid-connection')
    else {
      const polling = new LongPolling(connection, this.#times)
      connection.connect(polling)
      polling.answerFirst(response)
    }
  }

  #asRefusal(error: unknown): Refusal {
    if (error instanceof Refusal) return error
    this.#options.onError(error, 'request')
    return new Refusal(500, 'Something went wrong on our side')
  }
}

/** @throws Refusal 409 */
function demandUnconnected<C>({ transport }: Connection<C>): void {
  if (transport !== undefined) throw new Refusal(409, 'The connection is already active')
}
