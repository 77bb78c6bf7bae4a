/** Says which calls of a wrapper fail. Nothing is counted and nothing fails unless it is armed. */
export class FaultyCalls {
  #armed: Required<CallFault> | undefined
  #calls = 0
  #failed: string | undefined

  /** Counts from 1 again. */
  arm(fault: CallFault): void {
    this.#armed = { fromThenOn: false, how: 'instead', ...fault }
    this.#calls = 0
    this.#failed = undefined
  }

  disarm(): void {
    this.#armed = undefined
  }

  /** The first call that failed since arming. */
  get failed(): string | undefined {
    return this.#failed
  }

  /** Called by a wrapper for each of its calls. @returns how this one fails, undefined if it does not */
  next(name: string): FaultKind | undefined {
    if (this.#armed === undefined) return undefined
    this.#calls += 1
    const { nth, fromThenOn, how } = this.#armed
    if (this.#calls !== nth && !(fromThenOn && this.#calls > nth)) return undefined
    this.#failed ??= name
    return how
  }
}

/** `instead`: the call does nothing; `after`: it is carried out and its answer gets lost. */
export type FaultKind = 'instead' | 'after'

export type CallFault = {
  /** Counted from 1. */
  nth: number
  /** All calls after it fail too. */
  fromThenOn?: boolean
  how?: FaultKind
}
