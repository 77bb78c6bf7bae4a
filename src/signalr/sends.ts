/** Requests that carry messages of one connection: read one at a time, in the order they came. */
export class Sends {
  readonly #last = new WeakMap<object, Promise<void>>()

  run(connection: object, send: () => Promise<void>): Promise<void> {
    const done = (this.#last.get(connection) ?? Promise.resolve()).then(send)
    this.#last.set(
      connection,
      done.catch(() => {}),
    )
    return done
  }
}
