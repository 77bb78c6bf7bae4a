import { type ChildProcess, fork } from 'node:child_process'
import { extname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import PQueue from 'p-queue'
import { Problem } from '../../errors.ts'
import { cpuTimeMs } from './cpu-time.ts'
import { JobFailed, ProcessLost } from './job-failed.ts'
import type { Answer, Asked, JobName, Reply } from './yjs-jobs.ts'

/** So many times its limit a job may take by the clock: on a busy machine it gets little of a processor. */
const MOST_BY_CLOCK = 20
/** V8 ends a process so whose heap is full, or that asks for more than there can be. */
const SIGNALS_OF_V8: readonly (string | null)[] = ['SIGABRT', 'SIGTRAP']
const RETRY_AFTER_S = 5

export type Budget = {
  /** Of a processor, for one job. */
  timeLimitMs: number
  /** Of the heap. */
  memoryLimitMb: number
}

/**
 * Processes for what takes Yjs long, or may take too much: a worker thread that runs out of memory
 * can end the whole service with it. They are kept while there is work and end when there was none
 * for a while.
 */
export class YjsProcesses {
  readonly #budget: Budget
  readonly #keptMs: number
  readonly #queue: PQueue
  readonly #all = new Set<ChildProcess>()
  readonly #resting = new Map<ChildProcess, NodeJS.Timeout>()
  #isClosed = false

  constructor(budget: Budget, { most = 2, keptMs = 30_000 }: { most?: number; keptMs?: number } = {}) {
    this.#budget = budget
    this.#keptMs = keptMs
    this.#queue = new PQueue({ concurrency: most })
  }

  /** Jobs that have not begun. */
  get waiting(): number {
    return this.#queue.size
  }

  /**
   * A job whose process is lost is tried once more.
   *
   * @param share of the budget; below 1 in a process of its own, above 1 of the time only
   * @throws JobFailed; Problem of the job, `storage-unavailable`, `shutting-down`
   */
  run<N extends JobName>(name: N, asked: Asked<N>, share = 1): Promise<Answer<N>> {
    return this.#queue.add(async () => {
      const message = { name, asked }
      const reply = await this.#try(message, share)
        .catch((error) => {
          if (error instanceof ProcessLost) return this.#try(message, share)
          throw error
        })
        .catch((cause) => {
          if (!(cause instanceof ProcessLost)) throw cause
          throw new Problem('storage-unavailable', undefined, { cause, retryAfterS: RETRY_AFTER_S })
        })
      if (reply.problem !== undefined) throw new Problem(reply.problem)
      if (reply.error !== undefined) throw new JobFailed('error', reply.error)
      return reply.answer as Answer<N>
    })
  }

  /** Ends the processes at once: jobs that are not done are refused with `shutting-down`. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#all].map(end))
    await this.#queue.onIdle()
  }

  async #try(message: object, share: number): Promise<Reply> {
    if (this.#isClosed) throw new Problem('shutting-down')
    try {
      const child = share < 1 ? this.#start(share) : this.#take()
      const reply = await this.#ask(child, message, this.#budget.timeLimitMs * share)
      if (share < 1) await end(child)
      else this.#rest(child)
      return reply
    } catch (error) {
      throw this.#isClosed ? new Problem('shutting-down', undefined, { cause: error }) : error
    }
  }

  #take(): ChildProcess {
    const [rested] = this.#resting.keys()
    if (rested === undefined) return this.#start(1)
    this.#wake(rested)
    rested.ref()
    rested.channel?.ref()
    return rested
  }

  #start(share: number): ChildProcess {
    // The same file from source and when built.
    const file = new URL(`./worker${extname(import.meta.filename)}`, import.meta.url)
    const child = begin(() =>
      fork(fileURLToPath(file), [String(process.pid)], {
        execArgv: [`--max-old-space-size=${Math.floor(this.#budget.memoryLimitMb * share)}`],
        // Our secrets are none of its business.
        env: {},
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      }),
    )
    this.#all.add(child)
    return child.on('error', () => this.#forget(child)).on('exit', () => this.#forget(child))
  }

  #rest(child: ChildProcess): void {
    if (!this.#all.has(child)) return
    child.unref()
    child.channel?.unref()
    const timer = setTimeout(() => {
      this.#wake(child)
      child.kill('SIGKILL')
    }, this.#keptMs)
    this.#resting.set(child, timer.unref())
  }

  #wake(child: ChildProcess): void {
    clearTimeout(this.#resting.get(child))
    this.#resting.delete(child)
  }

  #forget(child: ChildProcess): void {
    this.#wake(child)
    this.#all.delete(child)
  }

  async #ask(child: ChildProcess, message: object, timeLimitMs: number): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const onMessage = (reply: unknown) => resolve(reply as Reply)
    const onExit = (code: number | null, signal: string | null) =>
      reject(
        SIGNALS_OF_V8.includes(signal)
          ? new JobFailed('memory')
          : new ProcessLost(`a Yjs process ended with ${signal ?? code}`),
      )
    const onError = (cause: unknown) => reject(new ProcessLost('a Yjs process failed', { cause }))
    const watching = new AbortController()
    watch(child, timeLimitMs, watching.signal).then(reject, () => undefined)
    child.once('message', onMessage).once('exit', onExit).once('error', onError)
    try {
      child.send(message, (error) => error && onError(error))
      return await promise
    } catch (error) {
      await end(child)
      throw error
    } finally {
      watching.abort()
      child.off('message', onMessage).off('exit', onExit).off('error', onError)
    }
  }
}

/** @throws ProcessLost */
function begin(start: () => ChildProcess): ChildProcess {
  let child: ChildProcess | undefined
  let cause: unknown
  try {
    // What went wrong is told at once or as an event.
    child = start().once('error', () => undefined)
  } catch (error) {
    cause = error
  }
  if (child?.pid === undefined) throw new ProcessLost('a Yjs process did not begin', { cause })
  return child
}

/** Resolves when the job has had its time: on a busy machine that is later than by the clock. */
async function watch(
  child: ChildProcess,
  timeLimitMs: number,
  signal: AbortSignal,
): Promise<JobFailed | ProcessLost> {
  const end = performance.now() + timeLimitMs * MOST_BY_CLOCK
  const before = (await cpuTimeMs(child.pid)) ?? 0
  let left = timeLimitMs
  while (left > 0 && performance.now() < end) {
    await sleep(Math.max(left, timeLimitMs / 10), undefined, { signal })
    left = timeLimitMs - ((await cpuTimeMs(child.pid)) ?? Number.POSITIVE_INFINITY) + before
  }
  return left > 0 ? new ProcessLost('a Yjs process got no processor') : new JobFailed('time')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}
