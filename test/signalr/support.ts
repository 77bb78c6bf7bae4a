import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { HubConnectionBuilder, type IHttpConnectionOptions, LogLevel } from '@microsoft/signalr'
import { WebSocket } from 'ws'
import { type Hub, type HubConnection, HubError, type HubMethod, Later } from '../../src/signalr/hub.ts'
import { HubEvent } from '../../src/signalr/hub-event.ts'
import { Refusal } from '../../src/signalr/refusal.ts'
import { type SignalROptions, SignalRServer } from '../../src/signalr/signalr-server.ts'

export type Client = { name: string }
type Options = Partial<Omit<SignalROptions<Client>, 'limits'>> & {
  limits?: Partial<SignalROptions<Client>['limits']>
  methods?: Record<string, HubMethod<Client>>
}

export const SEPARATOR = '\x1e'
export const HANDSHAKE = `{"protocol":"json","version":1}${SEPARATOR}`

/** A hub over real HTTP; tokens are the names of clients, `revoked` are refused. */
export async function startHub(options: Options = {}) {
  const revoked = new Set<string>()
  const errors: unknown[] = []
  const disconnected: string[] = []
  const calls: string[] = []
  const begun = Promise.withResolvers<void>()
  const room = new Set<HubConnection<Client>>()
  const gates = new Map<string, PromiseWithResolvers<unknown>>()
  const gate = (name: string) => {
    const found = gates.get(name) ?? Promise.withResolvers<unknown>()
    gates.set(name, found)
    return found
  }
  const methods: Record<string, HubMethod<Client>> = {
    echo: (_connection, args) => args,
    nothing: () => undefined,
    whoami: (connection) => connection.client.name,
    note(_connection, args) {
      calls.push(String(args[0]))
    },
    join: (connection) => void room.add(connection),
    tell(connection, args) {
      const event = new HubEvent('Told', ...args)
      for (const one of room) if (one !== connection) one.send(event)
    },
    me: (connection, args) => connection.send(new HubEvent('Me', ...args)),
    big: (_connection, args) => 'x'.repeat(Number(args[0])),
    both(connection, args) {
      const state = 'x'.repeat(Number(args[0]))
      connection.send(new HubEvent('State', state, 'event'))
      return state
    },
    refuse() {
      throw new HubError('you may not')
    },
    fail() {
      throw new Error('secret detail')
    },
    async wait(_connection, args) {
      calls.push(`wait ${args[0]}`)
      begun.resolve()
      return gate(String(args[0])).promise
    },
    later(_connection, args) {
      calls.push(`later ${args[0]}`)
      return new Later(gate(String(args[0])).promise)
    },
    unwritable: () => 10n ** 30n,
    bye: (connection, args) => connection.close({ allowReconnect: args[0] === true }),
    ...options.methods,
  }
  const hub: Hub<Client> = {
    methods: new Map(Object.entries(methods).map(([name, method]) => [name.toLowerCase(), method])),
    onDisconnected(connection) {
      disconnected.push(connection.id)
      room.delete(connection)
      changed.resolve()
      changed = Promise.withResolvers<void>()
    },
  }
  let changed = Promise.withResolvers<void>()
  const server = new SignalRServer<Client>({
    hub,
    async authenticate(token) {
      if (token === undefined || revoked.has(token)) throw new Refusal(401, 'A token is needed')
      return { name: token }
    },
    clientKeyOf: ({ name }) => name,
    origins: [],
    onError: (error) => errors.push(error),
    ...options,
    times: { closeMs: 100, ...options.times },
    limits: {
      maxMessageBytes: 100_000,
      messagesPerS: 10_000,
      clientMessagesPerS: 20_000,
      mostConnections: 2000,
      mostConnectionsPerClient: 1000,
      mostBufferedBytes: 1_000_000,
      ...options.limits,
    },
  })
  let requested = Promise.withResolvers<{ closed: Promise<void> }>()
  const http = createServer((request, response) => {
    const closed = new Promise<void>((resolve) => request.once('close', resolve))
    if (request.method === 'POST') {
      requested.resolve({ closed })
      requested = Promise.withResolvers()
    }
    const path = new URL(request.url ?? '', 'http://hub').pathname
    void server.handle(request, response, path.slice('/hub'.length))
  })
  http.on('upgrade', (request, socket, head) => void server.upgrade(request, socket, head))
  const sockets = new Set<Socket>()
  http.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  // As the service: a client that is busy for seconds finds its connection still open.
  http.keepAliveTimeout = 75_000
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo

  return {
    url: `http://127.0.0.1:${port}/hub`,
    port,
    server,
    room,
    revoked,
    errors,
    /** The first `Wait` has begun. */
    waiting: begun.promise,
    disconnected,
    calls,
    gate,
    /** Ends all sockets as a broken network does. */
    cut() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    sockets: () => sockets.size,
    /** Until the next POST comes. */
    untilPosted: () => requested.promise,
    /** Until `count` connections have ended. */
    async untilDisconnected(count: number) {
      while (disconnected.length < count) await changed.promise
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

export type TestHub = Awaited<ReturnType<typeof startHub>>

/** The official client. */
export function official(hub: TestHub, options: IHttpConnectionOptions = {}, token = 'ann') {
  return new HubConnectionBuilder()
    .withUrl(hub.url, { accessTokenFactory: () => token, ...options })
    .configureLogging(LogLevel.None)
}

export async function negotiate(hub: TestHub, token = 'ann') {
  const answer = await fetch(`${hub.url}/negotiate?negotiateVersion=1`, {
    method: 'POST',
    headers: bearer(token),
  })
  return (await answer.json()) as { connectionId: string; connectionToken: string }
}

export function bearer(token = 'ann') {
  return { Authorization: `Bearer ${token}` }
}

/** A WebSocket that reads messages one by one, the handshake sent and answered unless `handshake` is another. */
export async function openSocket(hub: TestHub, { token = 'ann', id = '', handshake = HANDSHAKE } = {}) {
  const address = `${hub.url.replace('http', 'ws')}${id === '' ? '' : `?id=${id}`}`
  const socket = new WebSocket(address, { headers: bearer(token) })
  const frames: Buffer[] = []
  let arrived = Promise.withResolvers<void>()
  const next = () => {
    arrived.resolve()
    arrived = Promise.withResolvers<void>()
  }
  let unread = ''
  socket.on('message', (data) => {
    frames.push(data as Buffer)
    unread += String(data)
    next()
  })
  const closed = new Promise<number>((resolve) => socket.once('close', resolve))
  socket.on('close', next)
  socket.on('error', () => {})
  await once(socket, 'open')
  const messages = {
    socket,
    frames,
    closed,
    /** The next JSON message. */
    async read(): Promise<Record<string, unknown>> {
      let end = unread.indexOf(SEPARATOR)
      while (end === -1) {
        if (socket.readyState === WebSocket.CLOSED) throw new Error('closed')
        await arrived.promise
        end = unread.indexOf(SEPARATOR)
      }
      const message = JSON.parse(unread.slice(0, end))
      unread = unread.slice(end + 1)
      return message
    },
    invoke(target: string, args: unknown[], invocationId?: string) {
      socket.send(invocation(target, args, invocationId))
    },
  }
  if (handshake !== '') socket.send(handshake)
  if (handshake === HANDSHAKE) await messages.read()
  return messages
}

export function invocation(target: string, args: unknown[], invocationId?: string): string {
  return JSON.stringify({ type: 1, target, arguments: args, invocationId }) + SEPARATOR
}

/** A Long Polling client, by hand. */
export async function startPolling(hub: TestHub, token = 'ann') {
  const { connectionToken } = await negotiate(hub, token)
  const address = `${hub.url}?id=${connectionToken}`
  const headers = bearer(token)
  const poll = () => fetch(address, { headers })
  const post = (body: string, as = token) => fetch(address, { method: 'POST', body, headers: bearer(as) })
  await (await poll()).text()
  await post(HANDSHAKE)
  await (await poll()).text()
  return { address, headers, poll, post, remove: () => fetch(address, { method: 'DELETE', headers }) }
}
