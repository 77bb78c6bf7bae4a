import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './ports.ts'

/** Without it tests are left out, unless services are required. */
export const isRedisInstalled =
  process.env.REQUIRE_SERVICES === '1' || spawnSync('redis-server', ['--version']).error === undefined

export type TestRedis = AsyncDisposable & {
  url: string
  port: number
  /** Ends it at once, as a power cut does. */
  kill(): Promise<void>
  /** On the same port, with nothing in it. */
  start(): Promise<void>
  /** It keeps its connections and says nothing any more. */
  pause(): void
  resume(): void
}

/** A Redis of its own, on a free port of this machine. */
export async function startRedis(): Promise<TestRedis> {
  const port = await freePort()
  let server: ChildProcess | undefined

  async function start(): Promise<void> {
    const options = { port, bind: '127.0.0.1', save: '', appendonly: 'no', dir: '/tmp' }
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    server = spawn('redis-server', words, { stdio: 'ignore' })
    const failed = once(server, 'error').then(([error]) => Promise.reject(error))
    const ended = once(server, 'exit').then(() => Promise.reject(new Error('redis-server has ended')))
    await Promise.race([answers(port), failed, ended])
  }

  async function kill(): Promise<void> {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGKILL')
    await ended
  }

  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill,
    pause: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    [Symbol.asyncDispose]: kill,
  }
}

async function answers(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const answer = await new Promise<string>((resolve) => {
      socket.once('error', () => resolve(''))
      socket.once('data', (bytes) => resolve(String(bytes)))
      socket.write('PING\r\n')
    })
    socket.destroy()
    if (answer.startsWith('+PONG')) return
    await delay(10)
  }
}
