import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Longer than the service itself takes to stop at most. */
const MOST_STOPPING_MS = 40_000

export type Running = AsyncDisposable & {
  port: number
  /** Resident memory in MiB: now, and at its highest since the start. */
  rss(): { now: number; peak: number }
}

let serverCpu: string | undefined

/**
 * Servers get the first core, this process (which makes the load) the others.
 *
 * @returns how the cores are shared, for people
 */
export function shareCores(): string {
  const [first, ...others] = allowedCores()
  if (first === undefined || others.length === 0) return 'server and load share one core'
  try {
    execFileSync('taskset', ['-acp', others.join(','), String(process.pid)], { stdio: 'ignore' })
  } catch {
    return 'server and load share the cores: there is no taskset'
  }
  serverCpu = String(first)
  return `server on core ${first}, load on core ${others.join(', ')}`
}

/** A reference, until it prints its address. */
export function startReference(script: string, ...args: string[]): Promise<Running> {
  return startProcess([pathOf(script), ...args], {})
}

/** The service by the words of `npm start`, until it prints its address. */
export function startMain(env: Record<string, string>): Promise<Running> {
  const { scripts } = JSON.parse(readFileSync(pathOf('../../package.json'), 'utf8')) as {
    scripts: { start: string }
  }
  const words = scripts.start.replace(/^exec node /, '').split(' ')
  return startProcess([...words.slice(0, -1), pathOf(`../../${words.at(-1)}`)], env)
}

function pathOf(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url))
}

async function startProcess(nodeArgs: string[], env: Record<string, string>): Promise<Running> {
  const child = spawnPinned(nodeArgs, env)
  const port = await printedPort(child)
  return {
    port,
    rss: () => residentMiB(child),
    async [Symbol.asyncDispose]() {
      await stop(child)
    },
  }
}

/** A reference that ends by itself. */
export async function runReference(script: string, ...args: string[]): Promise<void> {
  const child = spawnPinned([pathOf(script), ...args], {})
  child.stdout?.resume()
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${script} ended with ${code}`)
}

function spawnPinned(nodeArgs: string[], env: Record<string, string>): ChildProcess {
  const command = [process.execPath, ...nodeArgs]
  const [program = '', ...args] = serverCpu === undefined ? command : ['taskset', '-c', serverCpu, ...command]
  const child = spawn(program, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  child.once('exit', () => process.off('exit', kill))
  return child
}

/** The log goes on through the same pipe and is read to its end, or the process would block on it. */
async function printedPort(child: ChildProcess): Promise<number> {
  if (child.stdout === null) throw new Error('the process has no output')
  const lines = createInterface(child.stdout)
  const port = new Promise<number>((resolve) => {
    lines.on('line', (line) => {
      const found = /http:\/\/localhost:(\d+)/.exec(line)
      if (found !== null) resolve(Number(found[1]))
    })
  })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code} before it listened`)
  })
  ended.catch(() => {})
  return Promise.race([port, ended])
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const deadline = new AbortController()
  const late = delay(MOST_STOPPING_MS, undefined, { signal: deadline.signal }).then(() =>
    child.kill('SIGKILL'),
  )
  late.catch(() => {})
  await ended
  deadline.abort()
}

function residentMiB({ pid }: ChildProcess): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

function allowedCores(): number[] {
  const list = /Cpus_allowed_list:\s+(\S+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}
