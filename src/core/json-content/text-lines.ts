import { invalid } from './limits.ts'

/** Characters of a text file: the signs before the lines of what stands deep in lists can make a lot of it. */
export const TEXT_LENGTH_MAX = 40_000_000

/** Collects lines, each behind the signs of the quotes and lists that it stands in. */
export class TextLines {
  readonly #lines: string[] = []
  #length = 0
  #prefix = ''
  /** For the next line only: the signs that begin an item. */
  #first: string | undefined

  /** @throws Problem `json-content-invalid` when the text becomes too long */
  add(line: string): void {
    const whole = (this.#first ?? this.#prefix) + line
    this.#first = undefined
    this.#length += whole.length + 1
    if (this.#length > TEXT_LENGTH_MAX) throw invalid('the text file would become too long')
    this.#lines.push(line === '' ? whole.trimEnd() : whole)
  }

  /** The lines of `write` stand behind these signs: `first` before the first one, `rest` before the others. */
  within(first: string, rest: string, write: () => void): void {
    const before = this.#prefix
    this.#first = (this.#first ?? before) + first
    this.#prefix = before + rest
    write()
    if (this.#first !== undefined) this.add('')
    this.#prefix = before
  }

  /** Writes each one, and `between` before each but the first. */
  each<T>(all: readonly T[], write: (one: T) => void, between: (one: T, previous: T) => void): void {
    for (const [index, one] of all.entries()) {
      const previous = all[index - 1]
      if (previous !== undefined) between(one, previous)
      write(one)
    }
  }

  text(lineEnd = '\n'): string {
    return this.#lines.join(lineEnd)
  }
}
