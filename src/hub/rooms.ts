import type { Deps } from '../core/deps.ts'
import type { Updates } from '../core/updates/updates.ts'
import { headVersion } from '../core/versions.ts'
import { documentById } from '../metadata/documents.ts'
import { HubEvent } from '../signalr/hub-event.ts'
import { connectedUsers } from './connected-users.ts'
import { Room } from './room.ts'

type RoomsDeps = Pick<Deps, 'database' | 'clock' | 'events' | 'log'>

/** The rooms of this node, each as long as somebody is in it or on the way. */
export class Rooms {
  readonly #deps: RoomsDeps
  readonly #updates: Updates
  readonly #open = new Map<string, { room: Room; users: number }>()
  #isCatchingUp = false
  #isBehind = false

  constructor(deps: RoomsDeps, updates: Updates) {
    this.#deps = deps
    this.#updates = updates
    deps.events.onGap(() => void this.#catchUp())
  }

  /** To be followed by `leave`, unless it fails. @throws whatever the database says */
  async enter(documentId: string): Promise<Room> {
    const open = this.#open.get(documentId) ?? {
      room: new Room(documentId, this.#deps, this.#updates, () => this.#headNumberOf(documentId)),
      users: 0,
    }
    this.#open.set(documentId, open)
    open.users++
    try {
      await open.room.ready
    } catch (error) {
      this.leave(documentId)
      throw error
    }
    return open.room
  }

  leave(documentId: string): void {
    const open = this.#open.get(documentId)
    if (open === undefined || --open.users > 0) return
    open.room.close()
    this.#open.delete(documentId)
    this.#updates.compactSoon(documentId)
  }

  /** Reads from the log what nobody told: a node may end before it could. @throws whatever the database says */
  async readUntold(): Promise<void> {
    for (const [documentId, { room }] of [...this.#open])
      if (room.isBehind(await this.#updates.positionOf(documentId))) await room.catchUp()
  }

  /** One room after the other, all at once would be too much for the database; gaps meanwhile are one more. */
  async #catchUp(): Promise<void> {
    this.#isBehind = true
    if (this.#isCatchingUp) return
    this.#isCatchingUp = true
    while (this.#isBehind) {
      this.#isBehind = false
      for (const [documentId, { room }] of [...this.#open]) {
        await room.catchUp()
        await this.#tellUsers(documentId, room)
      }
    }
    this.#isCatchingUp = false
  }

  /** Who came or left meanwhile may not have been heard. */
  async #tellUsers(documentId: string, room: Room): Promise<void> {
    try {
      room.tellAll(new HubEvent('UserList', await connectedUsers(this.#deps, documentId), documentId))
    } catch (error) {
      this.#deps.log.error({ err: error, document: documentId }, 'members are not told who is there')
    }
  }

  async #headNumberOf(documentId: string): Promise<number> {
    const { database } = this.#deps
    const { number } = await headVersion({ database }, await documentById(database, documentId))
    return number
  }
}
