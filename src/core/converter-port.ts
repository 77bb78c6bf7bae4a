import type { Readable } from 'node:stream'
import type { LRUCache } from 'lru-cache'
import type { BlobRef } from './ports.ts'

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
   * @param order.width pixels, for a picture (`png`) of the first page: it is made no larger
   * @throws Problem `conversion-failed`, `conversion-busy`, `storage-unavailable`; whatever `open` or `use` throws
   */
  convert<Result>(
    order: { from: string; to: string; width?: number; open: () => Promise<Readable> },
    use: (bytes: Readable) => Promise<Result>,
  ): Promise<Result>
}

/** A blob that the sweep takes after a day, unless it is the content of a version. */
export type Converted = BlobRef & {
  /** Without the dot; may differ from the target: PDF/A is a `pdf`. */
  extension: string
}

/** Results by source and target; those under way are shared. */
export type KnownConversions = LRUCache<string, Promise<Converted>>
