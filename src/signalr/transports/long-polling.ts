import type { ServerResponse } from 'node:http'
import type { Connection } from '../connection.ts'
import { NO_CACHE } from '../requests.ts'
import type { Times } from '../times.ts'
import type { Transport } from '../transport.ts'

/** What is written waits for the client's next poll. Source: SignalR TransportProtocols.md, Long Polling. */
export class LongPolling<C> implements Transport {
  readonly name = 'LongPolling'
  readonly supportsBinary = true
  readonly isKeptAlive = true
  readonly #connection: Connection<C>
  readonly #times: Times
  #parts: Buffer[] = []
  #bytes = 0
  #isBinary = false
  /** Held until there is something to say. */
  #poll: ServerResponse | undefined
  /** Answered, but the answer has not left yet. */
  #answering: ServerResponse | undefined
  /** Since when it polls, is answered or does neither. */
  #since = Date.now()
  #isEnded = false

  constructor(connection: Connection<C>, times: Times) {
    this.#connection = connection
    this.#times = times
  }

  get bufferedBytes(): number {
    return this.#bytes + (this.#answering?.writableLength ?? 0)
  }

  /** The first poll only tells that polling works; the handshake comes after its answer. */
  answerFirst(response: ServerResponse): void {
    this.#answer(response, 200)
  }

  /** Takes the place of a poll that is still held. */
  poll(response: ServerResponse): void {
    if (this.#poll !== undefined) this.#answer(this.#poll, 204)
    this.#poll = response
    this.#since = Date.now()
    response.once('close', () => {
      if (this.#poll !== response) return
      this.#poll = undefined
      this.#since = Date.now()
    })
    this.#deliver()
  }

  write(bytes: Buffer, isBinary: boolean): void {
    this.#parts.push(bytes)
    this.#bytes += bytes.length
    this.#isBinary = isBinary
    this.#deliver()
  }

  /** What was written is still to be fetched; the poll after it learns of the end. */
  end(): void {
    this.#isEnded = true
    this.#deliver()
  }

  destroy(): void {
    const poll = this.#poll
    this.#poll = undefined
    if (poll !== undefined) this.#answer(poll, 204)
    else this.#answering?.destroy()
    this.#parts = []
    this.#bytes = 0
    this.#connection.gone()
  }

  sweep(now: number): void {
    const age = now - this.#since
    if (this.#poll !== undefined) {
      if (age > this.#times.pollMs) this.#answer(this.#poll, 200)
    } else if (age > (this.#answering === undefined ? this.#times.abandonedMs : this.#times.pollMs)) {
      this.#connection.drop()
    }
  }

  #deliver(): void {
    const poll = this.#poll
    if (poll === undefined) return
    if (this.#bytes > 0) {
      const body = Buffer.concat(this.#parts, this.#bytes)
      this.#parts = []
      this.#bytes = 0
      this.#answer(poll, 200, body)
    } else if (this.#isEnded) {
      this.#answer(poll, 204)
      this.#connection.gone()
    }
  }

  #answer(response: ServerResponse, status: 200 | 204, body?: Buffer): void {
    if (response === this.#poll) this.#poll = undefined
    this.#since = Date.now()
    const type = this.#isBinary ? 'application/octet-stream' : 'text/plain; charset=utf-8'
    response.writeHead(status, {
      ...NO_CACHE,
      ...(status === 200 && { 'Content-Type': type, 'Content-Length': body?.length ?? 0 }),
    })
    if (body !== undefined) this.#follow(response)
    response.end(body)
  }

  /** Messages that did not arrive are missing for good: the client has to start afresh. */
  #follow(response: ServerResponse): void {
    this.#answering = response
    response.once('close', () => {
      if (this.#answering === response) this.#answering = undefined
      this.#since = Date.now()
      if (!response.writableFinished) this.#connection.drop()
    })
  }
}
