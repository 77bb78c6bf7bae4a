import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { ADMIN_TOKEN } from './app.ts'
import { checkedFetch } from './openapi.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const POLL_MS = 25
const LONGEST_START_MS = 30_000

/** The service as it runs in production: a process of its own, here over a folder and port of the test's. */
export type ServiceProcess = AsyncDisposable & {
  url: string
  child: ChildProcess
  /** What it has printed so far, for the message of a failed test. */
  output(): string
  /** Milliseconds from its birth to the first 200 of `/health`. @throws Error when it ends before */
  healthy(): Promise<number>
  /** SIGKILL, or another signal; resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export type ServiceProcessOptions = {
  dataDir: string
  port: number
  docServer: Emulator & { url: string }
  env?: Record<string, string>
  /** A program that runs the service, like `['strace', '-f']`. */
  under?: string[]
}

/** Does not wait until it is `healthy`: a test may want it dead before. */
export function startProcess({
  dataDir,
  port,
  docServer,
  env,
  under = [],
}: ServiceProcessOptions): ServiceProcess {
  const [program = process.execPath, ...args] = [...under, process.execPath, MAIN]
  const bornAt = performance.now()
  const child = spawn(program, args, {
    // Away from the `.env` of a developer.
    cwd: dataDir,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      NODE_ENV: 'test',
      NODE_NAME: 'test',
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: dataDir,
      ADMIN_TOKEN,
      ONLYOFFICE_URL: docServer.url,
      ONLYOFFICE_JWT_SECRET: docServer.secret,
      LOG_LEVEL: 'error',
      RATE_LIMIT_MAX: '100000000',
      ...env,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => (output += text))
  const gone = once(child, 'close')
  const url = `http://127.0.0.1:${port}`
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null

  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    if (!hasEnded()) child.kill(signal)
    await gone
  }
  return {
    url,
    child,
    output: () => output,
    async healthy() {
      for (;;) {
        const isHealthy = await fetch(`${url}/health`).then(
          (response) => response.status === 200,
          () => false,
        )
        const afterMs = performance.now() - bornAt
        if (isHealthy) return afterMs
        if (hasEnded() || afterMs > LONGEST_START_MS) throw new Error(`the service did not start:\n${output}`)
        await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      }
    },
    kill,
    [Symbol.asyncDispose]: () => kill(),
  }
}

/** Requests to the service as a client with all permissions. The token outlives restarts. */
export async function signIn(url: string): Promise<{ authorization: string }> {
  const post = async (path: string, body: object) => {
    const response = await checkedFetch(`${url}/api/auth/${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(path === 'token' ? {} : { authorization: `Bearer ${ADMIN_TOKEN}` }),
      },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as Record<string, string>
  }
  const { apiKey, secret } = await post('api-keys', {
    name: 'Tests',
    permissions: ['documents:read', 'documents:write'],
  })
  const { token } = await post('token', { apiKey, secret })
  return { authorization: `Bearer ${token}` }
}
