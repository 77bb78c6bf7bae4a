import { CollaborationError } from './collaboration-error.ts'
import type { HubLine } from './hub-line.ts'
import { Pause, retryDelayMs } from './pause.ts'

/** A connection that lasted this long was no failure. */
const STABLE_MS = 10_000
/** The SignalR client tells the status of a refused negotiation in words only. */
const REFUSED = /Status code '40[13]'/

type Options = {
  token: string | (() => string | Promise<string>)
  lineWith: (token: string) => HubLine
  onConnecting: () => void
  /** What is to be done first on a line; it ends if that fails. */
  onLine: (line: HubLine) => Promise<void>
  onLineEnded: (line: HubLine) => void
  /** Until the next try. */
  onOffline: () => void
  onError: (error: CollaborationError) => void
  /** After an error that trying again does not change. */
  onGivenUp: () => void
}

/** One connection to the hub after the other, for as long as it is not stopped. */
export class LastingLine {
  readonly #options: Options
  readonly #pause = new Pause()
  #run: AbortController | undefined
  #failures = 0

  constructor(options: Options) {
    this.#options = options
  }

  start(): void {
    if (this.#run !== undefined) return
    this.#failures = 0
    this.#run = new AbortController()
    void this.#keepConnected(this.#run.signal)
  }

  stop(): void {
    const run = this.#run
    this.#run = undefined
    run?.abort()
    this.#pause.end()
  }

  /** The network is back: no waiting for the next try. */
  hasten(): void {
    this.#failures = 0
    this.#pause.end()
  }

  async #keepConnected(run: AbortSignal): Promise<void> {
    const { onConnecting, onOffline, onGivenUp } = this.#options
    while (!run.aborted) {
      const startedAt = Date.now()
      onConnecting()
      try {
        await this.#connectOnce(run)
      } catch (error) {
        if (run.aborted) return
        if (!this.#isPassing(error)) return onGivenUp()
      }
      if (run.aborted) return
      onOffline()
      this.#failures = Date.now() - startedAt > STABLE_MS ? 0 : this.#failures + 1
      await this.#pause.wait(retryDelayMs(this.#failures))
    }
  }

  /** @returns false if trying again is of no use */
  #isPassing(error: unknown): boolean {
    const told =
      error instanceof CollaborationError
        ? error
        : new CollaborationError('connection-failed', 'the hub could not be reached or entered', {
            cause: error,
          })
    this.#options.onError(told)
    return told.code !== 'token-refused' && told.code !== 'join-refused'
  }

  /** Resolves when a connection has ended. @throws if none came about */
  async #connectOnce(run: AbortSignal): Promise<void> {
    const { onLine, onLineEnded } = this.#options
    const line = await this.#startedLine(run)
    const stop = () => void line.stop()
    run.addEventListener('abort', stop)
    try {
      run.throwIfAborted()
      await onLine(line)
      await line.ended
    } finally {
      run.removeEventListener('abort', stop)
      onLineEnded(line)
      await line.stop()
    }
  }

  /** An expired token is refused, and a function may know a fresh one. */
  async #startedLine(run: AbortSignal): Promise<HubLine> {
    for (const isLast of typeof this.#options.token === 'string' ? [true] : [false, true]) {
      const line = this.#options.lineWith(await this.#askedToken())
      const stop = () => void line.stop()
      run.addEventListener('abort', stop)
      try {
        run.throwIfAborted()
        await line.start()
        return line
      } catch (error) {
        if (!(error instanceof Error && REFUSED.test(error.message))) throw error
        if (isLast) throw new CollaborationError('token-refused', error.message, { cause: error })
      } finally {
        run.removeEventListener('abort', stop)
      }
    }
    throw new Error('unreachable: the last token either works or is refused')
  }

  async #askedToken(): Promise<string> {
    const { token } = this.#options
    if (typeof token === 'string') return token
    try {
      return await token()
    } catch (error) {
      throw new CollaborationError('token-unavailable', 'no token could be had', { cause: error })
    }
  }
}
