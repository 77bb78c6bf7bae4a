import type { IncomingMessage } from 'node:http'
import type { Request } from 'express'
import type { Config } from '../config.ts'
import type { Deps } from '../core/deps.ts'
import { clearRooms, renewRooms } from '../core/room-members.ts'
import type { Tokens } from '../core/tokens.ts'
import type { Updates } from '../core/updates/updates.ts'
import { isProblem } from '../errors.ts'
import type { Authentication } from '../http/authentication.ts'
import type { Limits } from '../http/limits.ts'
import { Refusal } from '../signalr/refusal.ts'
import { SignalRServer } from '../signalr/signalr-server.ts'
import { createAccess, type HubClient } from './access.ts'
import { DocumentHub } from './document-hub.ts'
import { Rooms } from './rooms.ts'

/** What a slow client may leave unread, bytes. */
const MOST_BUFFERED_BYTES = 8 * 1024 ** 2
const MOST_CONNECTIONS = 20_000
/** One key of the API may stand for all users of a product. */
const MOST_CONNECTIONS_OF_CLIENT = 5000

export type HubDoor = {
  server: SignalRServer<HubClient>
  /** Ends connections whose token has ended. To be called every few seconds. */
  withdraw(): Promise<void>
  /** Keeps the members in the list of who is there. To be called more often than every minute. */
  renew(): Promise<void>
  /** What another node stored and could not tell any more goes out. To be called now and then. */
  readUntold(): Promise<void>
}

/** Door 2b, `/hubs/document`. */
export async function openHub(
  deps: Pick<Deps, 'database' | 'commits' | 'clock' | 'config' | 'events' | 'log'>,
  updates: Updates,
  {
    tokens,
    authentication,
    limits,
    publicUrl,
    connectionKey,
  }: {
    tokens: Tokens
    authentication: Authentication
    limits: Pick<Limits, 'failed'>
    publicUrl: string
    /** The same on all nodes, for nothing else. */
    connectionKey?: Buffer
  },
): Promise<HubDoor> {
  const { config, log } = deps
  if (config.HUB_ANONYMOUS) {
    log.warn('HUB_ANONYMOUS is on: whoever knows the id of a document reads and changes what is shared of it')
  }
  await clearRooms(deps)
  const access = createAccess(deps, tokens, authentication)
  const rooms = new Rooms(deps, updates)
  const hub = new DocumentHub(deps, updates, rooms)

  /** Failures over HTTP are counted with all others there. */
  async function authenticate(token: string | undefined, request: IncomingMessage): Promise<HubClient> {
    const isUpgrade = request.headers.upgrade !== undefined
    const address = (request as Partial<Request>).ip ?? request.socket.remoteAddress
    try {
      if (isUpgrade) await limits.failed.demandFew(address)
      return await access.clientOf(token)
    } catch (error) {
      if (isUpgrade && isProblem(error, 'token-missing', 'token-invalid')) await limits.failed.note(address)
      return refuse(error)
    }
  }

  const server = new SignalRServer({
    hub,
    authenticate,
    clientKeyOf,
    ...(connectionKey === undefined ? {} : { connectionKey }),
    origins: originsOf(config, publicUrl),
    limits: limitsOf(config),
    onError: (error, method) => log.error({ err: error, method }, 'a hub method failed'),
  })

  return {
    server,
    renew: () => renewRooms(deps, hub.joinedIds),
    readUntold: () => rooms.readUntold(),
    async withdraw() {
      for (const connection of [...server.connections()]) {
        const state = await access.stateOf(connection.client)
        // A client with a fresh token comes back by itself.
        if (state === 'expired') connection.close({ error: 'The token has expired.', allowReconnect: true })
        if (state === 'ended') connection.close({ error: 'The token is not valid any more.' })
      }
    },
  }
}

/** Our own pages come along where sites are named. */
function originsOf({ CORS_ORIGINS }: Config, publicUrl: string): string[] {
  return CORS_ORIGINS.length === 0 ? [] : [...CORS_ORIGINS, new URL(publicUrl).origin]
}

function limitsOf(config: Config) {
  return {
    maxMessageBytes: config.HUB_MAX_MESSAGE_BYTES,
    messagesPerS: config.HUB_MESSAGES_PER_S,
    clientMessagesPerS: config.HUB_CLIENT_MESSAGES_PER_S,
    mostConnections: MOST_CONNECTIONS,
    mostConnectionsPerClient: MOST_CONNECTIONS_OF_CLIENT,
    mostBufferedBytes: MOST_BUFFERED_BYTES,
  }
}

/** One key of the API, or one embed, is one client. */
function clientKeyOf({ token, caller, documentId }: HubClient): string {
  if (documentId !== undefined) return `embed:${token}`
  return caller.kind === 'client' ? `key:${caller.id}` : (token ?? 'anonymous')
}

function refuse(error: unknown): never {
  if (isProblem(error)) throw new Refusal(error.status, error.message)
  throw error
}
