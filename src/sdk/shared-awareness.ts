import {
  type Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness'

/** Carets move faster than others need to see. */
const THROTTLE_MS = 60

type Changes = { added: number[]; updated: number[]; removed: number[] }

/** Own cursor and presence told to others, theirs applied here. Source: y-protocols, Awareness. */
export class SharedAwareness {
  readonly #awareness: Awareness
  readonly #origin: unknown
  readonly #onUpdate = (changes: Changes, origin: unknown) => this.#take(changes, origin)
  /** Connection that last told of each client. */
  readonly #connections = new Map<number, string>()
  #send: ((update: Uint8Array) => void) | undefined
  #applying = ''
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param origin of what others tell, in the awareness's events */
  constructor(awareness: Awareness, origin: unknown) {
    this.#awareness = awareness
    this.#origin = origin
    awareness.on('update', this.#onUpdate)
  }

  /** Others forgot us when the connection ended: they need a newer clock, and get one with everything told. */
  start(send: (update: Uint8Array) => void): void {
    this.#send = send
    this.renew()
  }

  /** Tells others again, somebody has come. */
  renew(): void {
    this.#awareness.setLocalState(this.#awareness.getLocalState())
  }

  /** Who was there is not seen any more. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#send = undefined
    this.#connections.clear()
    const others = [...this.#awareness.states.keys()].filter((client) => client !== this.#awareness.clientID)
    removeAwarenessStates(this.#awareness, others, this.#origin)
    // They may have no newer clock when we are back.
    for (const client of others) this.#awareness.meta.delete(client)
  }

  /** Tells others that we are gone; the state here stays for a return. */
  leave(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#awareness.getLocalState() === null) return
    this.#send?.(encodeAwarenessUpdate(this.#awareness, [this.#awareness.clientID], new Map()))
  }

  apply(update: Uint8Array, connectionId: string): void {
    this.#applying = connectionId
    applyAwarenessUpdate(this.#awareness, update, this.#origin)
  }

  /** Its clients may have come back by another connection before this one was found dead. */
  forget(connectionId: string): void {
    const gone = [...this.#connections].filter(([, connection]) => connection === connectionId)
    const clients = gone.map(([client]) => client)
    for (const client of clients) this.#connections.delete(client)
    removeAwarenessStates(this.#awareness, clients, this.#origin)
  }

  destroy(): void {
    this.stop()
    this.#awareness.off('update', this.#onUpdate)
  }

  #take({ added, updated, removed }: Changes, origin: unknown): void {
    const own = this.#awareness.clientID
    if (origin === this.#origin) {
      for (const client of [...added, ...updated]) this.#connections.set(client, this.#applying)
    }
    // From others only when they took us for gone: then they are told that we are not.
    if ([...added, ...updated, ...removed].includes(own)) this.#tellSoon()
  }

  #tellSoon(): void {
    if (this.#send === undefined) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#send?.(encodeAwarenessUpdate(this.#awareness, [this.#awareness.clientID]))
    }, THROTTLE_MS)
  }
}
