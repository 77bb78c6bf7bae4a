/** Something that was claimed and is now to be done. */
export type Claimed = {
  /** Whose it is: one slow receiver leaves room for others. */
  owner: string
  /** Does it and notes how it ended; never rejects. */
  attempt(): Promise<void>
}

export type DueWorkOptions = {
  /** At one time, of all owners together. */
  most: number
  /** At one time, of one owner. */
  mostEach: number
  stop: AbortSignal
  /**
   * Claims what is due, so much at most and nothing of these owners.
   *
   * @returns undefined: nothing is due; none: somebody else was quicker
   */
  claim(room: number, busy: string[]): Promise<Claimed[] | undefined>
}

/** Does what stands in rows and is due, as far as there is room; each end makes room and looks again. */
export class DueWork {
  readonly #options: DueWorkOptions
  readonly #inFlight = new Map<string, number>()
  readonly #attempts = new Set<Promise<void>>()
  #starting: Promise<void> | undefined
  /** Room was made while the last look was under way, which may not have seen it. */
  #isLookWanted = false

  constructor(options: DueWorkOptions) {
    this.#options = options
  }

  /** Starts what is due, as far as there is room; a quiet round only reads. */
  startDue(): Promise<void> {
    this.#isLookWanted = true
    this.#starting ??= this.#look()
    return this.#starting
  }

  /** Resolves once nothing is due and nothing under way, or after the stop. */
  async idle(): Promise<void> {
    do {
      await (this.#options.stop.aborted ? this.#starting : this.startDue())
      await Promise.all(this.#attempts)
    } while (this.#attempts.size > 0 || this.#starting !== undefined)
  }

  async #look(): Promise<void> {
    try {
      while (this.#isLookWanted) {
        this.#isLookWanted = false
        await this.#fill()
      }
    } finally {
      // In the same turn as the last question: nothing can be wanted in between.
      this.#starting = undefined
    }
  }

  async #fill(): Promise<void> {
    const { most, stop, claim } = this.#options
    while (!stop.aborted && this.#attempts.size < most) {
      const claimed = await claim(most - this.#attempts.size, this.#busy())
      if (claimed === undefined) return
      for (const work of claimed) this.#start(work)
    }
  }

  #busy(): string[] {
    const { mostEach } = this.#options
    return [...this.#inFlight].filter(([, count]) => count >= mostEach).map(([owner]) => owner)
  }

  #start({ owner, attempt }: Claimed): void {
    this.#inFlight.set(owner, (this.#inFlight.get(owner) ?? 0) + 1)
    const done = attempt().finally(() => {
      const left = (this.#inFlight.get(owner) ?? 1) - 1
      if (left === 0) this.#inFlight.delete(owner)
      else this.#inFlight.set(owner, left)
      this.#attempts.delete(done)
      if (!this.#options.stop.aborted) this.startDue().catch(() => {})
    })
    this.#attempts.add(done)
  }
}
