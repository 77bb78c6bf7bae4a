import {
  HttpTransportType,
  type HubConnection,
  HubConnectionBuilder,
  type IHubProtocol,
  JsonHubProtocol,
  LogLevel,
} from '@microsoft/signalr'
import { MessagePackHubProtocol } from '@microsoft/signalr-protocol-msgpack'
import { expect } from 'vitest'
import * as Y from 'yjs'
import { createApiKey } from '../../src/core/api-keys.ts'
import type { Permission } from '../../src/core/callers.ts'
import type { TestApp } from '../support/app.ts'

const EVENTS = [
  'UserJoined',
  'UserLeft',
  'ReceiveUpdate',
  'ReceiveFullState',
  'ReceiveAwareness',
  'UserList',
  'DocumentRestored',
] as const

type EventName = (typeof EVENTS)[number]

/** How the official client connects. */
export type Way = { name: string; transport: HttpTransportType; protocol: () => IHubProtocol }

const json = () => new JsonHubProtocol()
export const WEB_SOCKETS: Way = {
  name: 'JSON over WebSockets',
  transport: HttpTransportType.WebSockets,
  protocol: json,
}
export const WAYS: Way[] = [
  WEB_SOCKETS,
  { name: 'JSON over server-sent events', transport: HttpTransportType.ServerSentEvents, protocol: json },
  { name: 'JSON over long polling', transport: HttpTransportType.LongPolling, protocol: json },
  {
    name: 'MessagePack over WebSockets',
    transport: HttpTransportType.WebSockets,
    protocol: () => new MessagePackHubProtocol(),
  },
  {
    name: 'MessagePack over long polling',
    transport: HttpTransportType.LongPolling,
    protocol: () => new MessagePackHubProtocol(),
  },
]

export type HubUser = AsyncDisposable & {
  connection: HubConnection
  /** Arguments of every event so far. */
  told: Record<EventName, unknown[][]>
  invoke<T = unknown>(method: string, ...args: unknown[]): Promise<T>
  /** Resolves once so many of an event have come. */
  heard(event: EventName, count?: number): Promise<unknown[][]>
}

export type ConnectOptions = { token?: string | (() => string) | undefined; way?: Way; delays?: number[] }

/** The official client, connected; without a token as the API page shows it. */
export async function connect(
  { url }: Pick<TestApp, 'url'>,
  { token, way = WEB_SOCKETS, delays = [0, 20, 100, 300] }: ConnectOptions,
): Promise<HubUser> {
  const connection = new HubConnectionBuilder()
    .withUrl(`${url}/hubs/document`, {
      transport: way.transport,
      ...(token === undefined ? {} : { accessTokenFactory: typeof token === 'string' ? () => token : token }),
    })
    .withHubProtocol(way.protocol())
    .withAutomaticReconnect(delays)
    .configureLogging(LogLevel.None)
    .build()
  const told = Object.fromEntries(EVENTS.map((event) => [event, [] as unknown[][]])) as HubUser['told']
  for (const event of EVENTS) connection.on(event, (...args: unknown[]) => told[event].push(args))
  await connection.start()
  return {
    connection,
    told,
    invoke: (method, ...args) => connection.invoke(method, ...args),
    async heard(event, count = 1) {
      await expect.poll(() => told[event].length, { timeout: 20_000 }).toBeGreaterThanOrEqual(count)
      return told[event]
    },
    [Symbol.asyncDispose]: () => connection.stop(),
  }
}

/** Connected and in the document. */
export async function joined(
  app: Pick<TestApp, 'url'> & Partial<Pick<TestApp, 'token'>>,
  documentId: string,
  { name, color, ...options }: ConnectOptions & { name?: string; color?: string } = {},
): Promise<HubUser> {
  const user = await connect(app, { token: app.token, ...options })
  await user.invoke('JoinDocument', documentId, name, color)
  return user
}

/** Bearer of a client of its own workspace, or of the tests'. */
export async function tokenWith(app: TestApp, permissions: Permission[], sharedWith?: string) {
  const workspaceId = sharedWith
  const key = await createApiKey(app.deps, {
    name: 'Other',
    permissions,
    ...(workspaceId === undefined ? {} : { workspaceId }),
  })
  const response = await app.fetch('/api/auth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ apiKey: key.apiKey, secret: key.secret }),
    as: null,
  })
  const { token } = (await response.json()) as { token: string }
  return { token, keyId: key.id }
}

export async function embedToken(app: TestApp, documentId: string, permissions: string[], user?: object) {
  const response = await app.fetch('/api/embed', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ documentId, permissions, ...(user === undefined ? {} : { user }) }),
  })
  return ((await response.json()) as { token: string }).token
}

/** Updates of somebody who types these words one after another, in Base64. */
export function typed(words: string[], clientId = 7): { doc: Y.Doc; updates: string[] } {
  const doc = new Y.Doc()
  doc.clientID = clientId
  const updates: string[] = []
  doc.on('update', (update: Uint8Array) => updates.push(Buffer.from(update).toString('base64')))
  for (const word of words) doc.getText('note').insert(doc.getText('note').length, word)
  return { doc, updates }
}

export function textOf(...updates: unknown[]): string {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, Buffer.from(String(update), 'base64'))
  return doc.getText('note').toString()
}
