import type { Backplane } from './ports.ts'
import type { RoomMessage } from './updates/room-message.ts'

export type SaveState = 'saving' | 'saved' | 'not-saved'

/** What pages of an open document are told. */
export type DocumentEvent =
  | { type: 'save-state'; state: SaveState; at: string; versionNumber?: number }
  | { type: 'head-changed'; versionNumber: number }
  | { type: 'users'; users: string[] }
  /** Other nodes may have said something that was not heard: whoever shows the document looks at it anew. */
  | { type: 'gap' }

/** A save of the key was stored; other parts of the service wait for it. */
export type SaveStored = { saveId: string; status: number; userdata: string | null; versionId: string | null }

/** What Document Server said of a key's editors: by itself, or provoked by `info`. */
export type Presence = { status: 1 | 4; users: string[] }

/** How the doctor's file was fetched, by its nonce; `unsigned`: no token in the header that we look at. */
export type ProbeFetched = { nonce: string; signature: 'good' | 'bad' | 'unsigned' }

/** Typed messages over the backplane, so that every node hears them. */
export type Events = {
  publish(documentId: string, event: DocumentEvent): Promise<void>
  subscribe(documentId: string, listener: (event: DocumentEvent) => void): () => void
  saveStored(key: string, save: SaveStored): Promise<void>
  onSaveStored(key: string, listener: (save: SaveStored) => void): () => void
  presenceTold(key: string, presence: Presence): Promise<void>
  onPresence(key: string, listener: (presence: Presence) => void): () => void
  tellRoom(documentId: string, message: RoomMessage): Promise<void>
  onRoom(documentId: string, listener: (message: RoomMessage) => void): () => void
  probeFetched(probe: ProbeFetched): Promise<void>
  onProbeFetched(listener: (probe: ProbeFetched) => void): () => void
  /** The listener is called when messages of other nodes may have been missed, once they are heard again. */
  onGap(listener: () => void): () => void
  /** Resolves when other nodes are heard on everything subscribed to so far, or when a gap will be told of it. */
  heard(): Promise<void>
  /** Why other nodes are not heard now: what they would have said is not known. Undefined while they are. */
  trouble(): string | undefined
}

/** Subscriptions that take effect at once have nothing to wait for. */
type Channels = Pick<Backplane, 'publish' | 'subscribe' | 'onGap' | 'trouble' | 'heard'>

/**
 * @param eventsNow how a document stands; listeners are told after a gap, and then of the gap itself.
 *   It does not throw.
 */
export function createEvents(
  backplane: Channels,
  eventsNow: (documentId: string) => Promise<DocumentEvent[]> = async () => [],
): Events {
  const followed = new Followed(eventsNow)
  backplane.onGap(() => void followed.catchUp())
  return {
    publish: (documentId, event) => backplane.publish(`document:${documentId}`, JSON.stringify(event)),
    subscribe(documentId, listener) {
      const endCatchingUp = followed.add(documentId, listener)
      const end = backplane.subscribe(`document:${documentId}`, (message) => listener(JSON.parse(message)))
      return () => {
        end()
        endCatchingUp()
      }
    },
    saveStored: (key, save) => backplane.publish(`saves:${key}`, JSON.stringify(save)),
    onSaveStored: (key, listener) =>
      backplane.subscribe(`saves:${key}`, (message) => listener(JSON.parse(message))),
    presenceTold: (key, presence) => backplane.publish(`presence:${key}`, JSON.stringify(presence)),
    onPresence: (key, listener) =>
      backplane.subscribe(`presence:${key}`, (message) => listener(JSON.parse(message))),
    tellRoom: (documentId, message) => backplane.publish(`room:${documentId}`, JSON.stringify(message)),
    onRoom: (documentId, listener) =>
      backplane.subscribe(`room:${documentId}`, (message) => listener(JSON.parse(message))),
    probeFetched: (probe) => backplane.publish('probes', JSON.stringify(probe)),
    onProbeFetched: (listener) => backplane.subscribe('probes', (message) => listener(JSON.parse(message))),
    onGap: (listener) => backplane.onGap(listener),
    heard: () => backplane.heard(),
    trouble: () => backplane.trouble(),
  }
}

type Listener = { tell: (event: DocumentEvent) => void }

/** Documents that somebody on this node listens to. */
class Followed {
  readonly #eventsNow: (documentId: string) => Promise<DocumentEvent[]>
  readonly #listeners = new Map<string, Set<Listener>>()

  constructor(eventsNow: (documentId: string) => Promise<DocumentEvent[]>) {
    this.#eventsNow = eventsNow
  }

  add(documentId: string, tell: Listener['tell']): () => void {
    const listener = { tell }
    const others = this.#listeners.get(documentId) ?? new Set()
    this.#listeners.set(documentId, others.add(listener))
    return () => {
      others.delete(listener)
      if (others.size === 0 && this.#listeners.get(documentId) === others) this.#listeners.delete(documentId)
    }
  }

  /** One document after the other: all at once would be too much for the database. */
  async catchUp(): Promise<void> {
    for (const [documentId, listeners] of [...this.#listeners]) {
      if (listeners.size === 0) continue
      const events = await this.#eventsNow(documentId)
      for (const event of [...events, { type: 'gap' } as const])
        for (const listener of [...listeners]) listener.tell(event)
    }
  }
}
