/** An event for clients, encoded once for each protocol however many it goes to. */
export class HubEvent {
  readonly target: string
  readonly args: readonly unknown[]
  readonly #encoded = new Map<string, Buffer | undefined>()

  constructor(target: string, ...args: unknown[]) {
    this.target = target
    this.args = args
  }

  /**
   * @param protocol whose encoding it is
   * @param encode makes it the first time
   * @returns undefined when it could not be made
   * @throws what `encode` throws, the first time only: one fault is reported once, however many readers
   */
  encodedFor(protocol: string, encode: (event: HubEvent) => Buffer): Buffer | undefined {
    if (!this.#encoded.has(protocol)) {
      this.#encoded.set(protocol, undefined)
      this.#encoded.set(protocol, encode(this))
    }
    return this.#encoded.get(protocol)
  }
}
