const WARMING = 20
const CALLS = 300

/** The time in milliseconds that 99 of 100 calls stay within. */
export async function p99(call: (number: number) => Promise<unknown>, calls = CALLS): Promise<number> {
  const times: number[] = []
  for (let number = 0; number < WARMING + calls; number++) {
    const started = performance.now()
    await call(number)
    if (number >= WARMING) times.push(performance.now() - started)
  }
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN
}
