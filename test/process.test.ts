import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { startEmulator } from '../src/emulator/start.ts'
import { QUICK, sign } from './docserver/support.ts'
import { ADMIN_TOKEN, SECRET, startApp } from './support/app.ts'
import { makeDocx } from './support/files.ts'
import { checkedFetch } from './support/openapi.ts'
import { freePort } from './support/ports.ts'

const ROOT = join(import.meta.dirname, '..')
const PATH = `${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`

type Started = AsyncDisposable & {
  child: ChildProcess
  url: string
  dataDir: string
  env: Record<string, string>
  output(): string
  /** Of the process that was spawned. */
  exit: Promise<{ code: number | null; signal: string | null }>
}

/** The real process over a fresh data folder, in a process group of its own. */
async function start(command: string[], env: Record<string, string> = {}): Promise<Started> {
  const dataDir = await mkdtemp(join(tmpdir(), 'docs-connector-process-'))
  const port = await freePort()
  const full = { PATH, HOME: dataDir, PORT: String(port), DATA_DIR: dataDir, ...env }
  const [program = '', ...rest] = command
  const child = spawn(program, rest, {
    cwd: ROOT,
    env: full,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let output = ''
  child.stdout?.on('data', (chunk) => {
    output += chunk
  })
  child.stderr?.on('data', (chunk) => {
    output += chunk
  })
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }))
  return {
    child,
    url: `http://127.0.0.1:${port}`,
    dataDir,
    env: full,
    output: () => output,
    exit,
    async [Symbol.asyncDispose]() {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // The group has ended.
      }
      await exit
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function startReady(command = ['node', 'src/main.ts'], env: Record<string, string> = {}) {
  const started = await start(command, env)
  for (let tries = 0; tries < 200; tries += 1) {
    if (started.child.exitCode !== null) break
    if ((await statusOf(`${started.url}/health`)) === 200) return started
    await delay(50)
  }
  const said = started.output()
  await started[Symbol.asyncDispose]()
  throw new Error(`the service did not start:\n${said}`)
}

async function statusOf(url: string, init: RequestInit = {}): Promise<number | 'refused'> {
  try {
    const response = await fetch(url, init)
    await response.arrayBuffer()
    return response.status
  } catch {
    return 'refused'
  }
}

/** Members of a process group that are alive. */
function membersOf(group: number | undefined): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const [state, , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(pgrp) === group && state !== 'Z'
    } catch {
      return false
    }
  })
}

async function cli(started: Started, ...args: string[]) {
  const child = spawn('node', ['src/cli.ts', ...args], { cwd: ROOT, env: started.env })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  return { code, output: output.trim() }
}

test.each([
  ['node', 'src/main.ts'],
  ['npm', 'start'],
])('wrong settings end %s %s with 1 and one message that names them all', async (...command) => {
  await using started = await start(command, {
    PORT: 'x',
    LOG_LEVEL: 'loud',
    PUBLIC_URL: 'nowhere',
    ONLYOFFICE_URL: 'x',
  })
  expect((await started.exit).code).toBe(1)
  const output = started.output()
  for (const name of ['PORT', 'LOG_LEVEL', 'PUBLIC_URL', 'ONLYOFFICE_URL'])
    expect(output).toMatch(new RegExp(`^ *${name}: `, 'm'))
  expect(output).not.toMatch(/at .*\.ts:\d+/)
  expect(output.match(/settings are wrong/g)).toHaveLength(1)
})

/** One process for the tests that only look at it. */
const shared = await startReady(['node', 'src/main.ts'])
afterAll(() => shared[Symbol.asyncDispose]())

test('an address that is taken ends the start with 1', async () => {
  await using two = await start(['node', 'src/main.ts'], { PORT: new URL(shared.url).port })
  expect((await two.exit).code).toBe(1)
  expect(two.output()).toContain('EADDRINUSE')
})

test('the first start makes secrets that only its user can read, and prints the way in but no token', async () => {
  const started = shared
  const path = join(started.dataDir, 'secrets.json')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const { adminToken, rootSecret } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
  const port = new URL(started.url).port
  expect(started.output()).toContain(`http://localhost:${port}`)
  expect(started.output()).toContain('sign-in')
  expect(started.output()).toMatch(/emulator/)
  for (const secret of [adminToken, rootSecret]) {
    expect(secret?.length).toBeGreaterThan(30)
    expect(started.output()).not.toContain(secret)
  }
  const list = (token: string) =>
    statusOf(`${started.url}/api/documents`, { headers: { authorization: `Bearer ${token}` } })
  expect(await list(adminToken ?? '')).toBe(200)
  expect(existsSync(join(started.dataDir, 'metadata.sqlite'))).toBe(true)
})

test('a sign-in link works once', async () => {
  const started = shared
  const { code, output } = await cli(started, 'sign-in')
  expect(code).toBe(0)
  expect(output).toMatch(/^http:\/\/localhost:\d+\/sign-in\?link=[\w-]{32}$/)
  const link = new URL(output).searchParams.get('link') ?? ''
  const page = await fetch(`${started.url}/sign-in?link=${link}`)
  expect(await page.text()).toContain(`value="${link}"`)
  const use = () =>
    fetch(`${started.url}/sign-in`, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ link }),
    })
  const first = await use()
  expect(first.status).toBe(303)
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
  expect(await (await fetch(`${started.url}/`, { headers: { cookie } })).text()).toContain(
    'No documents here yet',
  )
  const second = await use()
  expect(second.status).toBe(401)
  expect(second.headers.get('set-cookie')).toBeNull()
  expect(started.output()).not.toContain(link)
})

test('the command line: help, and wrong usage with 2', async () => {
  const started = shared
  const help = await cli(started, '--help')
  expect([help.code, help.output]).toEqual([0, expect.stringContaining('sign-in')])
  expect((await cli(started, 'nonsense')).code).toBe(2)
})

test('settings are also read from .env of the working directory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-env-'))
  await writeFile(join(folder, '.env'), 'LOG_LEVEL=loud\n')
  const child = spawn('node', [join(ROOT, 'src/main.ts')], {
    cwd: folder,
    env: { PATH, DATA_DIR: folder, PORT: '0' },
  })
  let output = ''
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  const [code] = await once(child, 'close')
  await rm(folder, { recursive: true })
  expect([code, output]).toEqual([1, expect.stringContaining('LOG_LEVEL')])
})

test.each([
  ['npm start', ['npm', 'start']],
  ['node', ['node', 'src/main.ts']],
])(
  'SIGTERM to %s: /ready says 503 first, then it ends with 0 and leaves no process',
  async (_name, command) => {
    await using started = await startReady(command)
    expect(await statusOf(`${started.url}/ready`)).toBe(200)
    const seen: (number | 'refused')[] = []

    started.child.kill('SIGTERM')
    for (;;) {
      const status = await statusOf(`${started.url}/ready`)
      seen.push(status)
      if (status === 'refused') break
      await delay(20)
    }

    expect(seen).toContain(503)
    expect(seen.lastIndexOf(200)).toBeLessThan(seen.indexOf(503))
    expect(await started.exit).toEqual({ code: 0, signal: null })
    expect(membersOf(started.child.pid)).toEqual([])
  },
)

test('SIGTERM during a save: it finishes with 200, a new one gets 503, and the version is there after the restart', async () => {
  await using docServer = await startEmulator({ secret: SECRET, timings: QUICK })
  const settings = {
    ADMIN_TOKEN,
    ONLYOFFICE_URL: docServer.url,
    ONLYOFFICE_JWT_SECRET: SECRET,
    NODE_ENV: 'test',
    // Longer than this test: nothing but the save is waited for.
    SHUTDOWN_S: '300',
  }
  await using started = await startReady(['node', 'src/main.ts'], settings)
  const { key, id } = await openDocument(started)
  const edited = makeDocx(['Edited'])
  docServer.faults.files({ kind: 'slow', bytesPerSecond: Math.ceil(edited.length / 1.5) })
  const save = callback(started, {
    key,
    status: 2,
    url: docServer.fileUrl(edited),
    filetype: 'docx',
    users: ['ann'],
  })
  await delay(300)

  started.child.kill('SIGTERM')
  await delay(50)
  const refused = await callback(started, {
    key,
    status: 6,
    url: docServer.fileUrl(edited),
    filetype: 'docx',
  })
  const told = await callback(started, { key, status: 1, users: ['ann'] })

  expect(refused).toEqual({ status: 503, body: '{"error":0}' })
  expect(told).toEqual({ status: 200, body: '{"error":0}' })
  expect(await save).toEqual({ status: 200, body: '{"error":0}' })
  expect((await started.exit).code).toBe(0)
  await using again = await startReady(['node', 'src/main.ts'], { ...settings, DATA_DIR: started.dataDir })
  const response = await checkedFetch(`${again.url}/api/documents/${id}/download`, { headers: bearer })
  expect(Buffer.from(await response.arrayBuffer())).toEqual(edited)
})

test('a client that goes on using its connection does not hold up the stop', async () => {
  await using app = await startApp({ env: { SHUTDOWN_S: '20' } })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (path: string, bodyMs?: number) =>
    new Promise<boolean>((resolve) => {
      const options = { agent, method: bodyMs === undefined ? 'GET' : 'POST' }
      const asked = request(`${app.url}${path}`, options, (response) => {
        response.resume().once('end', () => resolve(true))
      }).once('error', () => resolve(false))
      if (bodyMs === undefined) asked.end()
      else setTimeout(() => asked.end('{}'), bodyMs)
      asked.flushHeaders()
    })
  // In flight when the listener closes, so that its connection stays.
  const inFlight = ask('/api/auth/token', 800)
  await delay(50)
  const started = performance.now()
  const closed = app.close().then(() => performance.now() - started)
  expect(await inFlight).toBe(true)
  const busy = (async () => {
    while (await ask('/health')) await delay(100)
  })()

  const endedMs = await Promise.race([closed, delay(4000, Number.POSITIVE_INFINITY)])

  agent.destroy()
  await Promise.all([busy, closed])
  expect(endedMs).toBeLessThan(3000)
})

test('an upload that is refused for its permission does not end the service', async () => {
  await using started = await startReady(['node', 'src/main.ts'], { ADMIN_TOKEN })
  const json = { 'content-type': 'application/json' }
  const post = async (path: string, body: object, headers = {}) => {
    const response = await checkedFetch(`${started.url}${path}`, {
      method: 'POST',
      headers: { ...json, ...headers },
      body: JSON.stringify(body),
    })
    return (await response.json()) as Record<string, string>
  }
  const { apiKey, secret } = await post(
    '/api/auth/api-keys',
    { name: 'Reader', permissions: ['documents:read'] },
    bearer,
  )
  const { token } = await post('/api/auth/token', { apiKey, secret })
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['One']))]), 'a.docx')
  const upload = await statusOf(`${started.url}/api/documents/upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  })
  expect(upload).toBe(403)
  await delay(500)
  expect(await statusOf(`${started.url}/ready`)).toBe(200)
})

const bearer = { authorization: `Bearer ${ADMIN_TOKEN}` }

async function openDocument({ url }: Started): Promise<{ key: string; id: string }> {
  const form = new FormData()
  form.append('file', new Blob([new Uint8Array(makeDocx(['One']))]), 'a.docx')
  const upload = await checkedFetch(`${url}/api/documents/upload`, {
    method: 'POST',
    headers: bearer,
    body: form,
  })
  const { id } = (await upload.json()) as { id: string }
  const response = await fetch(`${url}/api/onlyoffice/config/${id}`, { headers: bearer })
  const { config } = (await response.json()) as { config: { document: { key: string } } }
  return { id, key: config.document.key }
}

async function callback({ url }: Started, fields: object) {
  const response = await fetch(`${url}/api/onlyoffice/callback`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: sign(fields) }),
  })
  return { status: response.status, body: await response.text() }
}
