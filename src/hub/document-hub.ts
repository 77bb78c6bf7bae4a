import { colorOf } from '../core/collaboration.ts'
import type { Deps } from '../core/deps.ts'
import { documentFor } from '../core/documents.ts'
import { enterRoom, leaveRoom } from '../core/room-members.ts'
import type { RoomMember } from '../core/updates/room-message.ts'
import type { Updates } from '../core/updates/updates.ts'
import { isProblem } from '../errors.ts'
import { type Hub, type HubConnection, HubError, type HubMethod, Later } from '../signalr/hub.ts'
import { HubEvent } from '../signalr/hub-event.ts'
import type { HubClient } from './access.ts'
import { awarenessIn, bytesIn, documentIdIn, userColorIn, userNameIn } from './arguments.ts'
import { connectedUsers } from './connected-users.ts'
import type { Member, Room } from './room.ts'
import type { Rooms } from './rooms.ts'

/** Documents that one connection has joined at a time. */
const MOST_JOINED = 100
/** Members of one document on one node. */
const MOST_MEMBERS = 2000

type Connection = HubConnection<HubClient>
type Membership = { room: Room; member: Member }
type HubDeps = Pick<Deps, 'database' | 'commits' | 'clock' | 'config' | 'events' | 'log'>

/** The methods of `/hubs/document` with the names that its readers would try. Source: Nuto Office API, Real-time collaboration. */
export class DocumentHub implements Hub<HubClient> {
  readonly methods: ReadonlyMap<string, HubMethod<HubClient>>
  readonly #deps: HubDeps
  readonly #updates: Updates
  readonly #rooms: Rooms
  readonly #joined = new Map<string, Map<string, Membership>>()

  constructor(deps: HubDeps, updates: Updates, rooms: Rooms) {
    this.#deps = deps
    this.#updates = updates
    this.#rooms = rooms
    this.methods = named(
      [['JoinDocument'], (connection, args) => this.#join(connection, args)],
      [['LeaveDocument'], (connection, args) => this.#leave(connection, documentIdIn(args))],
      [['SendUpdate', 'SendYjsUpdate'], (connection, args) => this.#sendUpdate(connection, args)],
      [
        ['RequestSync', 'RequestState', 'RequestFullState', 'GetDocumentState'],
        (connection, args) => this.#sync(connection, args),
      ],
      [
        ['UpdateAwareness', 'SendAwareness', 'UpdateCursor', 'SendCursor'],
        (connection, args) => this.#tellAwareness(connection, args),
      ],
      [
        ['GetConnectedUsers', 'GetUsers', 'GetActiveUsers'],
        async ({ client }, args) =>
          connectedUsers(this.#deps, await this.#documentOf(client, documentIdIn(args))),
      ],
    )
  }

  onDisconnected(connection: Connection): void {
    const joined = this.#joined.get(connection.id)
    for (const documentId of joined?.keys() ?? []) void this.#leave(connection, documentId)
    this.#joined.delete(connection.id)
  }

  /** Ids of the connections that have joined something. */
  get joinedIds(): string[] {
    return [...this.#joined.keys()]
  }

  /** Again: under another name, or in the epoch that a restored document is in now. */
  async #join(connection: Connection, args: readonly unknown[]): Promise<void> {
    const { client } = connection
    const documentId = await this.#documentOf(client, documentIdIn(args))
    const before = this.#joined.get(connection.id)?.get(documentId)
    if (before === undefined && (this.#joined.get(connection.id)?.size ?? 0) >= MOST_JOINED)
      throw new HubError(`more than ${MOST_JOINED} documents are joined [too-many-documents]`)
    const userId = client.userId ?? connection.id
    const about = {
      connectionId: connection.id,
      userId,
      userName: userNameIn(args[1]) ?? client.userName,
      userColor: userColorIn(args[2]) ?? colorOf(userId),
    }
    if (before === undefined) await this.#enter(connection, documentId, about)
    else await this.#stay(connection, before, about)
  }

  async #enter(connection: Connection, documentId: string, about: RoomMember): Promise<void> {
    const room = await this.#rooms.enter(documentId)
    const joined = this.#joined.get(connection.id) ?? new Map<string, Membership>()
    try {
      if (room.size >= MOST_MEMBERS)
        throw new HubError(`more than ${MOST_MEMBERS} are connected to the document [too-many-members]`)
      const { epoch } = await this.#updates.positionOf(documentId)
      demandOpen(connection)
      await enterRoom(this.#deps, documentId, about)
      demandOpen(connection)
      const member: Member = { connection, about, epoch, awareness: undefined, held: [] }
      room.add(member)
      // From here on the membership holds the room.
      this.#joined.set(connection.id, joined.set(documentId, { room, member }))
    } catch (error) {
      this.#rooms.leave(documentId)
      await this.#forget(documentId, connection.id)
      throw error
    }
    try {
      await this.#deps.events.tellRoom(documentId, { kind: 'joined', member: about })
      await this.#greet(connection, documentId)
    } catch (error) {
      await this.#leave(connection, documentId)
      throw error
    }
  }

  async #stay(connection: Connection, { room, member }: Membership, about: RoomMember): Promise<void> {
    const { epoch } = await this.#updates.positionOf(room.documentId)
    demandOpen(connection)
    await enterRoom(this.#deps, room.documentId, about)
    // Whoever left meanwhile is on the list again.
    if (connection.isClosed) await this.#forget(room.documentId, connection.id)
    demandOpen(connection)
    Object.assign(member, { about, epoch })
    room.add(member)
    await this.#greet(connection, room.documentId)
  }

  async #greet(connection: Connection, documentId: string): Promise<void> {
    const users = await connectedUsers(this.#deps, documentId)
    const membership = this.#joined.get(connection.id)?.get(documentId)
    membership?.room.greet(membership.member, new HubEvent('UserList', users, documentId))
  }

  async #leave(connection: Connection, documentId: string): Promise<void> {
    const joined = this.#joined.get(connection.id)
    const membership = joined?.get(documentId)
    if (membership === undefined) return
    joined?.delete(documentId)
    membership.room.remove(connection.id)
    this.#rooms.leave(documentId)
    await this.#forget(documentId, connection.id)
    const { events, log } = this.#deps
    await events
      .tellRoom(documentId, { kind: 'left', connectionId: connection.id })
      .catch((error: unknown) => log.warn({ err: error }, 'others are not told that somebody left'))
  }

  /** A row that stays is not renewed, so it ends by itself. */
  async #forget(documentId: string, connectionId: string): Promise<void> {
    await leaveRoom(this.#deps, documentId, connectionId).catch((error: unknown) => {
      this.#deps.log.warn({ err: error, document: documentId }, 'somebody who left is shown for a minute')
    })
  }

  async #sendUpdate(connection: Connection, args: readonly unknown[]): Promise<Later> {
    const { documentId, member, room } = this.#membershipOf(connection, args)
    if (!connection.client.maySend) throw new HubError('you may read only [permission-missing]')
    const { bytes: update, base64 } = bytesIn(args[1], 'update')
    await this.#updates.check(update)
    const { epoch } = member
    room.sent(connection.id, base64)
    const stored = this.#updates.append({ documentId, epoch, update, base64, from: connection.id })
    stored.catch(() => room.notStored(base64))
    return new Later(stored.then(() => undefined, rethrowReadable))
  }

  async #sync(connection: Connection, args: readonly unknown[]): Promise<string> {
    const documentId = await this.#documentOf(connection.client, documentIdIn(args))
    const vector =
      args[1] === undefined || args[1] === null ? undefined : bytesIn(args[1], 'state vector').bytes
    const { update, stateVector, epoch } = await this.#updates.state(documentId, vector)
    const state = base64Of(update)
    connection.send(new HubEvent('ReceiveFullState', state, base64Of(stateVector), documentId, epoch))
    return state
  }

  async #tellAwareness(connection: Connection, args: readonly unknown[]): Promise<void> {
    const { documentId } = this.#membershipOf(connection, args)
    const data = awarenessIn(args[1])
    await this.#deps.events.tellRoom(documentId, { kind: 'awareness', from: connection.id, data })
  }

  #membershipOf(connection: Connection, args: readonly unknown[]): Membership & { documentId: string } {
    const documentId = documentIdIn(args)
    const membership = this.#joined.get(connection.id)?.get(documentId)
    if (membership === undefined) throw new HubError('join the document first [not-joined]')
    return { documentId, ...membership }
  }

  /** @throws Problem `document-not-found`, also for what an embed does not show */
  async #documentOf(client: HubClient, documentId: string): Promise<string> {
    if (client.documentId !== undefined && client.documentId !== documentId)
      throw new HubError('Document not found [document-not-found]')
    const { id } = await documentFor(this.#deps, client.caller, documentId)
    return id
  }
}

function demandOpen({ isClosed }: Connection): void {
  if (isClosed) throw new HubError('the connection is closed')
}

function named(
  ...methods: [names: string[], method: HubMethod<HubClient>][]
): Map<string, HubMethod<HubClient>> {
  return new Map(
    methods.flatMap(([names, method]) =>
      names.map((name) => [name.toLowerCase(), readable(method)] as const),
    ),
  )
}

/** What a caller can act on is told with its code. */
function readable(method: HubMethod<HubClient>): HubMethod<HubClient> {
  return async (connection, args) => {
    try {
      return await method(connection, args)
    } catch (error) {
      return rethrowReadable(error)
    }
  }
}

function rethrowReadable(error: unknown): never {
  if (isProblem(error)) throw new HubError(`${error.message} [${error.code}]`, { cause: error })
  throw error
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
