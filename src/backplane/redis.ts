import { randomBytes } from 'node:crypto'
import type { Backplane } from '../core/ports.ts'
import { MemoryBackplane } from './memory.ts'
import { within } from './redis-connection.ts'
import { RedisListener } from './redis-listener.ts'
import { RedisSpeaker } from './redis-speaker.ts'

const PING_EVERY_MS = 1000
const PATIENCE_MS = 3000
/** Many nodes come back at the same time: their gaps are one. */
const GAP_MS = 100
const SENDER_BYTES = 12

export type RedisBackplaneOptions = {
  url: string
  /** Tells installations apart that share a Redis. */
  prefix: string
  /** Told what a listener threw; the others are served all the same. */
  onError?: (error: unknown) => void
  /** Told once when trouble begins, with its sentence, and once when it ends. */
  onState?: (trouble: string | undefined) => void
  /** How often Redis is asked for a sign of life, and how long it may take. */
  pingEveryMs?: number
  patienceMs?: number
}

/**
 * Nodes hear each other over Redis, listeners of the same node at once. Redis forgets what nobody
 * hears: whoever may have missed something is told of a gap, after their own connection was lost, and
 * by the node whose messages did not get through.
 *
 * Source: Redis, Pub/sub (at most once).
 */
export class RedisBackplane implements Backplane {
  readonly #local: MemoryBackplane
  readonly #gaps: MemoryBackplane
  readonly #prefix: string
  readonly #onState: (trouble: string | undefined) => void
  /** Not the node's name: two processes may have been given the same. */
  readonly #sender = randomBytes(SENDER_BYTES).toString('base64url')
  readonly #speaker: RedisSpeaker
  readonly #listener: RedisListener
  /** How many listeners each channel has here. */
  readonly #listening = new Map<string, number>()
  readonly #connected = Promise.withResolvers<void>()
  #gap: NodeJS.Timeout | undefined
  #trouble: string | undefined = 'Redis is not connected yet'
  #isTroubleTold = false
  #isClosed = false

  constructor({
    url,
    prefix,
    onError,
    onState = () => {},
    pingEveryMs = PING_EVERY_MS,
    patienceMs = PATIENCE_MS,
  }: RedisBackplaneOptions) {
    const faults = onError === undefined ? {} : { onError }
    this.#local = new MemoryBackplane(faults)
    this.#gaps = new MemoryBackplane(faults)
    this.#prefix = prefix
    this.#onState = onState
    const address = { url, pingEveryMs, patienceMs }
    const onChange = (trouble?: string) => this.#note(trouble)
    const lost = { name: `${prefix}:lost`, text: this.#sender }
    this.#speaker = new RedisSpeaker(address, lost, onChange)
    this.#listener = new RedisListener(address, [lost.name], {
      onMessage: (name, text) => this.#take(name, text),
      onGap: () => this.#tellGap(),
      onChange,
    })
  }

  /** Resolves once Redis is there, at the latest after `withinMs`. */
  connected(withinMs: number): Promise<void> {
    return within(this.#connected.promise, withinMs)
  }

  /** Resolves when the listeners of this node have been called and Redis has it, or keeps it waiting for a second. */
  async publish(channel: string, message: string): Promise<void> {
    const told = this.#local.publish(channel, message)
    await this.#speaker.publish(this.#nameOf(channel), this.#sender + message)
    await told
  }

  subscribe(channel: string, listener: (message: string) => void): () => void {
    const end = this.#local.subscribe(channel, listener)
    const others = this.#listening.get(channel) ?? 0
    this.#listening.set(channel, others + 1)
    if (others === 0) this.#listener.add(this.#nameOf(channel))
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      end()
      const left = (this.#listening.get(channel) ?? 1) - 1
      if (left > 0) this.#listening.set(channel, left)
      else {
        this.#listening.delete(channel)
        this.#listener.remove(this.#nameOf(channel))
      }
    }
  }

  /**
   * Resolves when other nodes are heard on every channel subscribed to so far. While Redis is away or
   * slow it does not wait: then a gap is told once they are.
   */
  heard(): Promise<void> {
    return this.#listener.heard()
  }

  onGap(listener: () => void): () => void {
    return this.#gaps.subscribe('', listener)
  }

  trouble(): string | undefined {
    return this.#trouble
  }

  /** Runs a command of Redis, or fails at once while it is away. */
  command(...[name, ...args]: [string, ...string[]]): Promise<unknown> {
    return this.#speaker.command(name, ...args)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#gap)
    this.#speaker.close()
    this.#listener.close()
    await Promise.all([this.#local.close(), this.#gaps.close()])
  }

  #nameOf(channel: string): string {
    return `${this.#prefix}:channel:${channel}`
  }

  #take(name: string, text: string): void {
    // What listeners of this node have heard already.
    if (text.startsWith(this.#sender)) return
    const start = this.#nameOf('')
    if (!name.startsWith(start)) this.#tellGap()
    else void this.#local.publish(name.slice(start.length), text.slice(this.#sender.length))
  }

  #note(reason: string | undefined): void {
    if (this.#isClosed) return
    if (reason !== undefined) this.#trouble = `Other nodes are not heard, Redis is away: ${reason}`
    else if (!this.#speaker.isWell || !this.#listener.isWell) return
    else {
      this.#trouble = undefined
      this.#connected.resolve()
    }
    const isTrouble = this.#trouble !== undefined
    if (isTrouble === this.#isTroubleTold) return
    this.#isTroubleTold = isTrouble
    this.#onState(this.#trouble)
  }

  #tellGap(): void {
    if (this.#isClosed) return
    this.#gap ??= setTimeout(() => {
      this.#gap = undefined
      void this.#gaps.publish('', '')
    }, GAP_MS)
  }
}
