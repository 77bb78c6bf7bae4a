type Listener<Data> = (data: Data) => void

/** Who wants to know what. */
export class Listeners<Events> {
  readonly #sets: { [Name in keyof Events]?: Set<Listener<Events[Name]>> } = {}

  /** @returns takes the listener away again */
  add<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    const set: Set<Listener<Events[Name]>> = this.#sets[name] ?? new Set()
    this.#sets[name] = set
    set.add(listener)
    return () => set.delete(listener)
  }

  /** @returns whether anybody listens */
  tell<Name extends keyof Events>(name: Name, data: Events[Name]): boolean {
    const listeners = [...(this.#sets[name] ?? [])]
    for (const listener of listeners) {
      try {
        listener(data)
      } catch (error) {
        // An error of the page, as from a listener of the browser's own events: the others still hear.
        queueMicrotask(() => {
          throw error
        })
      }
    }
    return listeners.length > 0
  }
}
