/** A job took too much, or Yjs threw; not for callers. */
export class JobFailed extends Error {
  readonly reason: 'time' | 'memory' | 'error'

  constructor(reason: JobFailed['reason'], detail?: string) {
    super(`a Yjs job failed: ${detail ?? reason}`)
    this.name = 'JobFailed'
    this.reason = reason
  }
}

/** The process ended, did not begin or got no processor: that says nothing about its job. */
export class ProcessLost extends Error {
  override readonly name = 'ProcessLost'
}
