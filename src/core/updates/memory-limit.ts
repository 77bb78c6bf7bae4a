const MIB = 1024 ** 2
/** Two processes and a slow one share the machine or the container with the service itself. */
const SHARE = 1 / 6
const LEAST_MB = 96
const MOST_MB = 1536

/**
 * What the heap of one Yjs process may be, in MiB.
 *
 * @param constrained what the container allows, 0 or beyond all measure when nothing is set, bytes
 * @param total of the machine, bytes
 */
export function memoryLimitMb(constrained: number, total: number): number {
  const bytes = constrained > 0 ? Math.min(constrained, total) : total
  return Math.floor(Math.min(MOST_MB, Math.max(LEAST_MB, (bytes * SHARE) / MIB)))
}
