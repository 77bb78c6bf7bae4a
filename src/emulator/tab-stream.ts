import type { Response } from 'express'
import type { Work } from './work.ts'

// A reconnecting stream takes RECONNECT_MS; a tab without one for longer is gone.
const RECONNECT_MS = 300
const GONE_AFTER_MS = 1500
const NEVER_CAME_AFTER_MS = 30_000

/** The messages to one editor page, over one event stream; without one for long, the tab is gone. */
export class TabStream {
  readonly #work: Work
  readonly #onGone: () => Promise<void>
  #response: Response | undefined
  #queued: string[] = []
  #stopWaiting: () => void = () => {}

  constructor(work: Work, onGone: () => Promise<void>) {
    this.#work = work
    this.#onGone = onGone
  }

  /** The page should come for its stream now. */
  expect(): void {
    this.#goneAfter(NEVER_CAME_AFTER_MS)
  }

  attach(response: Response): void {
    this.#stopWaiting()
    this.#response?.end()
    this.#response = response
    response.status(200).set({
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    })
    response.flushHeaders()
    response.write(`retry: ${RECONNECT_MS}\n\n${this.#queued.splice(0).join('')}`)
    response.on('close', () => {
      if (this.#response !== response) return
      this.#response = undefined
      this.#goneAfter(GONE_AFTER_MS)
    })
  }

  send(message: object): void {
    const line = `data: ${JSON.stringify(message)}\n\n`
    if (this.#response) this.#response.write(line)
    else this.#queued.push(line)
  }

  beat(): void {
    this.#response?.write(': still here\n\n')
  }

  end(): void {
    this.#stopWaiting()
    const response = this.#response
    this.#response = undefined
    response?.end()
  }

  #goneAfter(ms: number): void {
    this.#stopWaiting()
    this.#stopWaiting = this.#work.later(ms, () => void this.#work.run(this.#onGone))
  }
}
