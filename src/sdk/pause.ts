const FIRST_MS = 500
const LONGEST_MS = 15_000

/** Doubles with every failure; jittered, so that a restarted server is not met by all clients at once. */
export function retryDelayMs(failures: number, longestMs = LONGEST_MS): number {
  const longest = Math.min(longestMs, FIRST_MS * 2 ** Math.min(failures, 10))
  return longest * (0.5 + Math.random() / 2)
}

/** A wait that can be cut short. */
export class Pause {
  #wake: () => void = () => {}

  async wait(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  end(): void {
    this.#wake()
  }
}
