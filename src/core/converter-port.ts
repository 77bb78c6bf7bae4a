import type { Readable } from 'node:stream'

/** Extensions to the extensions that each can be made into; lower case, without the dot. */
export type ConversionPairs = ReadonlyMap<string, ReadonlySet<string>>

/** Converts files on this machine, without a Document Server. */
export interface Converter {
  readonly isInstalled: boolean
  /** What it converts, or would if it were installed. */
  readonly pairs: ConversionPairs
  /**
   * Waits for its turn, converts, and hands the result to `use`; nothing is left on the disk when the
   * promise settles.
   *
   * @param order.open called once it is this conversion's turn
   * @throws Problem `conversion-failed`, `conversion-busy`, `storage-unavailable`; whatever `open` or `use` throws
   */
  convert<Result>(
    order: { from: string; to: string; open: () => Promise<Readable> },
    use: (bytes: Readable) => Promise<Result>,
  ): Promise<Result>
}
