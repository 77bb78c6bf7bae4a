import { MOST_WAIT_MS, type RedisAddress, RedisConnection, textOf, within } from './redis-connection.ts'

/** What Redis has not confirmed yet, in characters; what is beyond is not sent. */
const MOST_UNCONFIRMED = 32 * 1024 ** 2
/** What a message takes beside its text. */
const MESSAGE_OVERHEAD = 256

/**
 * Tells other nodes, and when something did not get through, that: they find out by themselves only
 * when they lost Redis, not when we did.
 */
export class RedisSpeaker {
  readonly #connection: RedisConnection
  readonly #lostMessage: { name: string; text: string }
  readonly #onChange: (trouble?: string) => void
  readonly #mending: NodeJS.Timeout
  #unconfirmed = 0
  /** How many messages others may have missed, and of how many they know it. */
  #lost = 0
  #lostTold = 0

  /**
   * @param lostMessage tells that something was lost
   * @param onChange told what is wrong, and without a text when that may be over
   */
  constructor(
    address: RedisAddress,
    lostMessage: { name: string; text: string },
    onChange: (trouble?: string) => void,
  ) {
    this.#lostMessage = lostMessage
    this.#onChange = onChange
    this.#connection = new RedisConnection({
      ...address,
      onReady: () => void this.#tellLost(),
      onLost: onChange,
    })
    this.#mending = setInterval(() => this.#mend(), address.pingEveryMs).unref()
  }

  /** Redis is there, and nobody misses anything unknowingly. */
  get isWell(): boolean {
    return this.#connection.isReady && this.#lost === this.#lostTold
  }

  /** Never rejects; waits for Redis a moment at most. */
  async publish(name: string, text: string): Promise<void> {
    if (!this.#connection.isReady) {
      this.#lost += 1
      return
    }
    if (this.#unconfirmed + text.length + MESSAGE_OVERHEAD > MOST_UNCONFIRMED) {
      this.#noteLost('it takes messages too slowly')
      return
    }
    await within(this.#send(name, text), MOST_WAIT_MS)
  }

  /** Runs a command of Redis, or fails at once while it is away. */
  command(name: string, ...args: string[]): Promise<unknown> {
    return this.#connection.client.call(name, ...args)
  }

  close(): void {
    clearInterval(this.#mending)
    this.#connection.close()
  }

  async #send(name: string, text: string): Promise<void> {
    const size = text.length + MESSAGE_OVERHEAD
    this.#unconfirmed += size
    try {
      await this.#connection.client.publish(name, text)
    } catch (error) {
      this.#noteLost(textOf(error))
    } finally {
      this.#unconfirmed -= size
    }
  }

  #noteLost(reason: string): void {
    this.#lost += 1
    // While it is away the connection itself says why.
    if (this.#connection.isReady) this.#onChange(reason)
  }

  async #tellLost(): Promise<void> {
    const lost = this.#lost
    try {
      const { name, text } = this.#lostMessage
      if (lost > this.#lostTold) await this.#connection.client.publish(name, text)
      this.#lostTold = lost
      this.#onChange()
    } catch (error) {
      if (this.#connection.isReady) this.#onChange(textOf(error))
    }
  }

  /** What Redis refused although it is there. */
  #mend(): void {
    if (this.#connection.isReady && !this.isWell) void this.#tellLost()
  }
}
