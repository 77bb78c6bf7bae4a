import { spawn } from 'node:child_process'

export type ProcessLimits = {
  timeLimitS: number
  /** Address space of each process. */
  memoryBytes: number
  /** Longest file that it may write. */
  fileBytes: number
}

/** Where a limit is unknown to the shell, the others still hold. Units: KiB, blocks of 512 bytes. */
const WITH_LIMITS = `ulimit -c 0
ulimit -v "$1" 2>/dev/null
ulimit -f "$2" 2>/dev/null
ulimit -t "$3" 2>/dev/null
shift 3
exec nice -n 10 "$@"`

/**
 * Runs a program with its children in a process group of its own, of which nothing is left afterwards.
 *
 * @param options.env all that the program sees: ours holds secrets
 * @returns how it ended; `ended` says nothing about success
 * @throws Error when it cannot be started
 */
export async function runLimited(
  [program, ...args]: readonly [string, ...string[]],
  options: ProcessLimits & { cwd: string; env: Record<string, string>; signal: AbortSignal },
): Promise<'ended' | 'timed-out' | 'aborted'> {
  const { timeLimitS, memoryBytes, fileBytes, cwd, env, signal } = options
  if (signal.aborted) return 'aborted'
  const limits = [Math.floor(memoryBytes / 1024), Math.floor(fileBytes / 512), Math.ceil(timeLimitS) * 2]
  const child = spawn('/bin/sh', ['-c', WITH_LIMITS, 'sh', ...limits.map(String), program, ...args], {
    cwd,
    env,
    stdio: 'ignore',
    detached: true,
  })
  let end: 'ended' | 'timed-out' | 'aborted' = 'ended'
  const killGroup = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // Nobody is left in it.
    }
  }
  const endBy = (reason: 'timed-out' | 'aborted') => () => {
    end = reason
    killGroup()
  }
  const abort = endBy('aborted')
  const timer = setTimeout(endBy('timed-out'), timeLimitS * 1000)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', () => resolve())
    })
    return end
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    // The program may have ended before its children.
    killGroup()
  }
}
