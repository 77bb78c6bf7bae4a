/** So many in a second, as many at once. */
export class Bucket {
  readonly #perMs: number
  readonly #most: number
  #left: number
  #at: number

  constructor(perS: number, now: number) {
    this.#perMs = perS / 1000
    this.#most = Math.max(1, perS)
    this.#left = this.#most
    this.#at = now
  }

  hasAt(now: number): boolean {
    if (now > this.#at) {
      this.#left = Math.min(this.#most, this.#left + (now - this.#at) * this.#perMs)
      this.#at = now
    }
    return this.#left >= 1
  }

  take(): void {
    this.#left -= 1
  }

  isFullAt(now: number): boolean {
    return this.hasAt(now) && this.#left >= this.#most
  }
}

/** The buckets that connections of one client share; one that is full again is forgotten. */
export class SharedBuckets {
  readonly #perS: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(perS: number) {
    this.#perS = perS
  }

  of(key: string, now: number): Bucket {
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      bucket = new Bucket(this.#perS, now)
      this.#buckets.set(key, bucket)
    }
    return bucket
  }

  /** @param used keys that connections still hold */
  sweep(used: ReadonlySet<string>, now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (!used.has(key) && bucket.isFullAt(now)) this.#buckets.delete(key)
    }
  }
}
