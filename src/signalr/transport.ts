/** How bytes reach one client. It tells the connection when it is gone, however that came about. */
export interface Transport {
  readonly name: 'WebSockets' | 'ServerSentEvents' | 'LongPolling'
  readonly supportsBinary: boolean
  /** Its requests end and come again: no pings are needed, and silence is told by their absence. */
  readonly isKeptAlive: boolean
  /** What was written and has not left yet. */
  readonly bufferedBytes: number
  /** Whole messages, never split. */
  write(bytes: Buffer, isBinary: boolean): void
  /** After what was written. */
  end(): void
  /** At once. */
  destroy(): void
  /** Once in a while. */
  sweep?(now: number): void
}
