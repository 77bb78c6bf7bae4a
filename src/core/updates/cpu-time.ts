import { readFile } from 'node:fs/promises'

/** Linux counts in these, on every machine that Node runs on. */
const TICK_MS = 10

/**
 * What a process has had of the processors so far, in milliseconds; undefined where that cannot be seen.
 *
 * Source: proc_pid_stat(5), fields 14 and 15.
 */
export async function cpuTimeMs(pid: number | undefined): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (stat === undefined) return undefined
  // The second field, the name, is in parentheses and may hold spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
