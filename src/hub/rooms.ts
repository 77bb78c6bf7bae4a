import type { Deps } from '../core/deps.ts'
import type { Updates } from '../core/updates/updates.ts'
import { Room } from './room.ts'

/** The rooms of this node, each as long as somebody is in it or on the way. */
export class Rooms {
  readonly #deps: Pick<Deps, 'events' | 'log'>
  readonly #updates: Updates
  readonly #open = new Map<string, { room: Room; users: number }>()

  constructor(deps: Pick<Deps, 'events' | 'log'>, updates: Updates) {
    this.#deps = deps
    this.#updates = updates
  }

  /** To be followed by `leave`, unless it fails. @throws whatever the database says */
  async enter(documentId: string): Promise<Room> {
    const open = this.#open.get(documentId) ?? {
      room: new Room(documentId, this.#deps, this.#updates),
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
}
