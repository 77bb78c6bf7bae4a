import * as Y from 'yjs'

/** Changes within this time make one update. */
const GATHER_MS = 20
/** Merging takes longer than in proportion to the number of updates. */
const MOST_APART = 64

/** Completes when the update is stored. */
export type SendUpdate = (update: Uint8Array) => Promise<void>

type Options = {
  /** Largest update that a message can carry. */
  maxBytes: number
  /** All that was changed here is stored, or not yet. */
  onSaved: (isSaved: boolean) => void
  onTooLarge: () => void
  /** The update was not stored though the connection lasts. */
  onFailed: (error: unknown) => void
}

/** Local updates until the server has stored them, also while there is no server; sent one after another. */
export class UnsentUpdates {
  readonly #options: Options
  #waiting: Uint8Array[] = []
  #inFlight: Uint8Array | undefined
  #send: SendUpdate | undefined
  /** All that the server lacks in one update; undefined if it lacks nothing. */
  #missing: () => Uint8Array | undefined = () => undefined
  #isStuck = false
  #isSaved = true
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: Options) {
    this.#options = options
  }

  get isSaved(): boolean {
    return this.#isSaved
  }

  add(update: Uint8Array): void {
    this.#waiting.push(update)
    if (this.#waiting.length >= MOST_APART) this.#waiting = mergedUpTo(this.#options.maxBytes, this.#waiting)
    this.#tellSaved()
    this.#timer ??= setTimeout(() => void this.#flush(), GATHER_MS)
  }

  /**
   * Sends what the server lacks, and from now on what is added.
   *
   * @param serverVector what the server has
   */
  start(send: SendUpdate, serverVector: Uint8Array, missing: () => Uint8Array | undefined): void {
    this.stop()
    this.#send = send
    this.#missing = missing
    const all = missing()
    if (all === undefined) this.#waiting = []
    else if (all.length <= this.#options.maxBytes) this.#waiting = [all]
    else {
      // Made one after another they are sent so: each may fit where the whole does not.
      const parts = this.#waiting.map((update) => Y.diffUpdate(update, serverVector))
      this.#waiting = parts.length === 0 ? [all] : mergedUpTo(this.#options.maxBytes, parts)
    }
    this.#tellSaved()
    void this.#flush()
  }

  /** Without waiting for anything, before the connection is left; what is not confirmed goes on being unsent. */
  sendAll(): void {
    if (this.#isStuck) return
    for (const update of mergedUpTo(this.#options.maxBytes, this.#waiting)) {
      if (update.length > this.#options.maxBytes) return
      this.#send?.(update).catch(() => {})
    }
  }

  /** There is no server any more; what it has not confirmed is kept. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#send = undefined
    this.#isStuck = false
    if (this.#inFlight !== undefined) this.#waiting.unshift(this.#inFlight)
    this.#inFlight = undefined
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const send = this.#send
    if (send === undefined || this.#inFlight !== undefined) return
    const update = this.#next()
    if (update === undefined) return
    this.#inFlight = update
    try {
      await send(update)
    } catch (error) {
      if (this.#send === send) {
        this.stop()
        this.#options.onFailed(error)
      }
      return
    }
    // Of a connection that ended meanwhile: the next one asks the server what it has.
    if (this.#send !== send) return
    this.#inFlight = undefined
    this.#tellSaved()
    await this.#flush()
  }

  #next(): Uint8Array | undefined {
    const { maxBytes, onTooLarge } = this.#options
    if (this.#isStuck) {
      // What follows builds upon what is too large. Undone, it may be small: Yjs drops deleted content.
      const all = this.#missing()
      if (all !== undefined && all.length > maxBytes) return undefined
      this.#isStuck = false
      this.#waiting = all === undefined ? [] : [all]
      this.#tellSaved()
    }
    const [update, ...rest] = mergedUpTo(maxBytes, this.#waiting)
    if (update !== undefined && update.length > maxBytes) {
      this.#isStuck = true
      onTooLarge()
      return undefined
    }
    this.#waiting = rest
    return update
  }

  #tellSaved(): void {
    const isSaved = this.#waiting.length === 0 && this.#inFlight === undefined
    if (isSaved === this.#isSaved) return
    this.#isSaved = isSaved
    this.#options.onSaved(isSaved)
  }
}

/** In the same order in as few updates as the limit allows; larger ones stay alone. */
function mergedUpTo(maxBytes: number, updates: readonly Uint8Array[]): Uint8Array[] {
  const groups: Uint8Array[][] = []
  let bytes = 0
  for (const update of updates) {
    const group = groups.at(-1)
    bytes += update.length
    if (group === undefined || bytes > maxBytes) {
      groups.push([update])
      bytes = update.length
    } else group.push(update)
  }
  return groups.map((group) =>
    group.length === 1 && group[0] !== undefined ? group[0] : Y.mergeUpdates(group),
  )
}
