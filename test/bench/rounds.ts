const ROUNDS = 5

export type Medians = { ours: number; reference: number }

/**
 * Ours, reference, ours, …: whatever else the machine does meets both alike. The first round of
 * each only warms up.
 */
export async function interleaved(
  ours: () => Promise<number>,
  reference: () => Promise<number>,
): Promise<Medians> {
  const figures = { ours: [] as number[], reference: [] as number[] }
  await ours()
  await reference()
  for (let round = 0; round < ROUNDS; round++) {
    figures.ours.push(await ours())
    figures.reference.push(await reference())
  }
  return { ours: median(figures.ours), reference: median(figures.reference) }
}

export function median(figures: number[]): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
