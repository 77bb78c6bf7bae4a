/** How the download of a file goes wrong. */
export type FileFault =
  /** The true length is announced, fewer bytes come, the socket closes. */
  | { kind: 'truncate'; bytes?: number }
  /** Headers and `bytes` bytes, then nothing. */
  | { kind: 'stall'; bytes?: number }
  /** Zeros without end. */
  | { kind: 'endless' }
  /** The announced length is off by this much (default −10), all bytes are sent. */
  | { kind: 'wrongLength'; by?: number }
  | { kind: 'status'; status: number }
  /** 302 to `location`, by default to the same file. */
  | { kind: 'redirect'; location?: string }
  /** `Content-Encoding: gzip`, unpacking to this many bytes (default 256 MiB). */
  | { kind: 'gzipBomb'; unpackedBytes?: number }
  | { kind: 'empty' }
  /** These bytes instead of the file. */
  | { kind: 'bytes'; bytes: Buffer }
  | { kind: 'slow'; bytesPerSecond: number }

/** How the delivery of callbacks goes wrong; `status` and `key` limit it to some. */
export type CallbackFault = { status?: number; key?: string } & (
  | { kind: 'duplicate'; extra?: number }
  /** Held back until the next status 2 of the same key was answered. */
  | { kind: 'holdUntilFinal' }
  | { kind: 'delay'; ms: number }
  /** Never arrives; counts as a broken connection. */
  | { kind: 'drop' }
)

/** How the command service goes wrong; `c` limits it to one command. */
export type CommandFault = { c?: string } & (
  | { kind: 'answer'; error: number }
  | { kind: 'status'; status: number }
  | { kind: 'hang' }
  | { kind: 'delay'; ms: number }
)

export type HealthFault = { kind: 'unhealthy' } | { kind: 'status'; status: number } | { kind: 'hang' }

type Armed<F> = { fault: F; left: number }

/** Armed faults; each is used up `times` times (default once; Infinity: until cleared), the oldest first. */
export class Faults {
  readonly #files: Armed<FileFault>[] = []
  readonly #changes: Armed<FileFault>[] = []
  readonly #callbacks: Armed<CallbackFault>[] = []
  readonly #commands: Armed<CommandFault>[] = []
  readonly #converter: Armed<{ key: string | true }>[] = []
  readonly #health: Armed<HealthFault>[] = []

  /** Downloads of documents: everything under /cache/files but changes.zip. */
  files(fault: FileFault, times = 1): void {
    this.#files.push({ fault, left: times })
  }

  /** Downloads of changes.zip. */
  changes(fault: FileFault, times = 1): void {
    this.#changes.push({ fault, left: times })
  }

  callbacks(fault: CallbackFault, times = 1): void {
    this.#callbacks.push({ fault, left: times })
  }

  command(fault: CommandFault, times = 1): void {
    this.#commands.push({ fault, left: times })
  }

  /** Building the file of this key (or of any) fails: status 3 instead of 2, 7 instead of 6. */
  converterFails(key: string | true, times = Number.POSITIVE_INFINITY): void {
    this.#converter.push({ fault: { key }, left: times })
  }

  healthcheck(fault: HealthFault = { kind: 'unhealthy' }, times = Number.POSITIVE_INFINITY): void {
    this.#health.push({ fault, left: times })
  }

  clear(): void {
    for (const armed of [
      this.#files,
      this.#changes,
      this.#callbacks,
      this.#commands,
      this.#converter,
      this.#health,
    ]) {
      armed.length = 0
    }
  }

  takeFile(path: string): FileFault | undefined {
    return take(path.includes('/changes.zip') ? this.#changes : this.#files, () => true)
  }

  takeCallback(key: string, status: number): CallbackFault | undefined {
    return take(
      this.#callbacks,
      (fault) =>
        (fault.key === undefined || fault.key === key) &&
        (fault.status === undefined || fault.status === status),
    )
  }

  takeCommand(c: unknown): CommandFault | undefined {
    return take(this.#commands, (fault) => fault.c === undefined || fault.c === c)
  }

  takeConverterFailure(key: string): boolean {
    return take(this.#converter, (fault) => fault.key === true || fault.key === key) !== undefined
  }

  takeHealth(): HealthFault | undefined {
    return take(this.#health, () => true)
  }
}

function take<F>(armed: Armed<F>[], fits: (fault: F) => boolean): F | undefined {
  const index = armed.findIndex(({ fault }) => fits(fault))
  const found = armed[index]
  if (!found) return undefined
  found.left -= 1
  if (found.left <= 0) armed.splice(index, 1)
  return found.fault
}
