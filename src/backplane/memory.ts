import type { Backplane } from '../core/ports.ts'

type Subscription = { listener: (message: string) => void }

/** A backplane for a single node. A message is delivered right after the code that published it, never inside it. */
export class MemoryBackplane implements Backplane {
  readonly #channels = new Map<string, Set<Subscription>>()
  readonly #onError: (error: unknown) => void

  /** @param onError is told what a listener threw; the others are served all the same */
  constructor({ onError = warn }: { onError?: (error: unknown) => void } = {}) {
    this.#onError = onError
  }

  /** Resolves when all listeners have been called. */
  publish(channel: string, message: string): Promise<void> {
    return new Promise((resolve) => {
      queueMicrotask(() => {
        this.#deliver(channel, message)
        resolve()
      })
    })
  }

  subscribe(channel: string, listener: (message: string) => void): () => void {
    const subscription = { listener }
    const subscriptions = this.#channels.get(channel) ?? new Set()
    this.#channels.set(channel, subscriptions.add(subscription))
    return () => {
      subscriptions.delete(subscription)
      if (subscriptions.size === 0 && this.#channels.get(channel) === subscriptions) {
        this.#channels.delete(channel)
      }
    }
  }

  /** A single node misses nothing. */
  onGap(): () => void {
    return () => {}
  }

  async heard(): Promise<void> {}

  trouble(): undefined {
    return undefined
  }

  async close(): Promise<void> {
    this.#channels.clear()
  }

  #deliver(channel: string, message: string): void {
    const subscriptions = this.#channels.get(channel)
    if (!subscriptions) return
    for (const subscription of [...subscriptions]) {
      // A listener called before this one may have ended it.
      if (!subscriptions.has(subscription)) continue
      try {
        subscription.listener(message)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error))
}
