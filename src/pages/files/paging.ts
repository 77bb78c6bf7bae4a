export type Paging = {
  /** Number of the first and the last shown, counted from 1. */
  first: number
  last: number
  total: number
  /** Addresses; undefined at the ends. */
  before: string | undefined
  after: string | undefined
}

export function pagingOf(
  { skip, take, shown, total }: { skip: number; take: number; shown: number; total: number },
  addressOf: (skip: number) => string,
): Paging {
  return {
    first: skip + 1,
    last: skip + shown,
    total,
    before: skip > 0 ? addressOf(Math.max(0, skip - take)) : undefined,
    after: skip + shown < total ? addressOf(skip + take) : undefined,
  }
}
