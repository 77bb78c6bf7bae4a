import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from './ports.ts'

/** Debian: swift-proxy, swift-account, swift-container, swift-object, memcached. */
const PROGRAMS = [
  '/usr/bin/swift-proxy-server',
  '/usr/bin/swift-account-server',
  '/usr/bin/swift-container-server',
  '/usr/bin/swift-object-server',
  '/usr/bin/memcached',
]
const KINDS = ['account', 'container', 'object'] as const
const REGION = 'us-east-1'
const USER = 'test:tester'
const SECRET = 'testing'
const LONGEST_START_MS = 60_000
const LONGEST_STOP_MS = 5000
const POLL_MS = 25

type Kind = (typeof KINDS)[number]

/** OpenStack Swift with its S3 interface, on 127.0.0.1, over a folder of its own. It has no bucket yet. */
export type Swift = AsyncDisposable & {
  /** Like `http://127.0.0.1:1234`. */
  endpoint: string
  region: string
  /** For the environment of whoever uses it. */
  credentials: { AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string }
  /** Makes a bucket. @returns its `BLOBS_URL` */
  makeBucket(name: string): Promise<string>
  /** Ends the process that takes requests: connections are refused until `resume`. */
  refuse(): Promise<void>
  /** Keeps that process from running: requests get no answer until `resume`. */
  pause(): void
  /** On the same port, with what was stored. */
  resume(): Promise<void>
  stop(): Promise<void>
}

/** Why the tests cannot run here; undefined when they can. @throws when REQUIRE_SERVICES=1 forbids skipping */
export function noSwift(): string | undefined {
  const missing = PROGRAMS.filter((program) => !existsSync(program))
  if (missing.length === 0) return undefined
  if (process.env.REQUIRE_SERVICES === '1')
    throw new Error(`${missing.join(', ')} missing and REQUIRE_SERVICES=1`)
  return `skipped: OpenStack Swift is not installed (${missing.join(', ')})`
}

/** @throws Error with what the servers printed, when they are not ready in a minute */
export async function startSwift(): Promise<Swift> {
  const folder = await mkdtemp(join(tmpdir(), 'swift-'))
  const running = new Map<string, ChildProcess>()
  let printed = ''

  const run = (name: string, program: string, args: string[]) => {
    const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => (printed = (printed + text).slice(-20_000)))
    }
    running.set(name, child)
  }
  const stop = async () => {
    await Promise.all([...running.values()].map(end))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  try {
    const ports = {
      proxy: await freePort(),
      memcached: await freePort(),
      account: await freePort(),
      container: await freePort(),
      object: await freePort(),
    }
    await writeConfiguration(folder, ports)
    const user = userInfo().username
    run('memcached', '/usr/bin/memcached', [
      '-l',
      '127.0.0.1',
      '-p',
      `${ports.memcached}`,
      '-U',
      '0',
      '-u',
      user,
    ])
    const runServer = (kind: Kind | 'proxy') =>
      run(kind, `/usr/bin/swift-${kind}-server`, [join(folder, `${kind}.conf`)])
    for (const kind of KINDS) runServer(kind)
    runServer('proxy')

    const endpoint = `http://127.0.0.1:${ports.proxy}`
    const ready = async () => {
      const deadline = performance.now() + LONGEST_START_MS
      const isUp = async () => {
        const ups = await Promise.all(Object.values(ports).map(takesConnections))
        return ups.every(Boolean) && (await isHealthy(endpoint))
      }
      while (!(await isUp())) {
        if (performance.now() > deadline) throw new Error(`Swift did not start:\n${printed}`)
        await sleep(POLL_MS)
      }
    }
    await ready()

    return {
      endpoint,
      region: REGION,
      credentials: { AWS_ACCESS_KEY_ID: USER, AWS_SECRET_ACCESS_KEY: SECRET },
      makeBucket: async (name) => {
        const client = new S3Client({
          endpoint,
          region: REGION,
          forcePathStyle: true,
          credentials: { accessKeyId: USER, secretAccessKey: SECRET },
        })
        await client.send(new CreateBucketCommand({ Bucket: name }))
        client.destroy()
        return `s3://${name}?endpoint=${encodeURIComponent(endpoint)}&region=${REGION}`
      },
      refuse: async () => {
        const proxy = running.get('proxy')
        if (proxy) await end(proxy)
      },
      pause: () => {
        running.get('proxy')?.kill('SIGSTOP')
      },
      resume: async () => {
        const proxy = running.get('proxy')
        if (proxy === undefined || hasEnded(proxy)) runServer('proxy')
        else proxy.kill('SIGCONT')
        await ready()
      },
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

type Ports = Record<Kind | 'proxy' | 'memcached', number>

async function writeConfiguration(folder: string, ports: Ports) {
  await mkdir(join(folder, 'devices', 'd1'), { recursive: true })
  await writeFile(join(folder, 'swift.conf'), SWIFT_CONF)
  await writeFile(
    join(folder, 'proxy.conf'),
    common(folder, ports.proxy) + proxyConfiguration(ports.memcached),
  )
  for (const kind of KINDS) {
    await writeFile(
      join(folder, `${kind}.conf`),
      `${common(folder, ports[kind])}
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`,
    )
  }
  const { status, stderr } = spawnSync('/usr/bin/python3', ['-c', RINGS, folder, JSON.stringify(ports)], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`Swift's rings could not be made: ${stderr}`)
}

const SWIFT_CONF = `[swift-hash]
swift_hash_path_suffix = tests
swift_hash_path_prefix = tests
[storage-policy:0]
name = only
default = yes
`

const RINGS = `
import json, sys
from swift.common.ring import RingBuilder
folder, ports = sys.argv[1], json.loads(sys.argv[2])
for kind in ('account', 'container', 'object'):
    builder = RingBuilder(4, 1, 0)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1, 'device': 'd1',
                     'ip': '127.0.0.1', 'port': ports[kind],
                     'replication_ip': '127.0.0.1', 'replication_port': ports[kind]})
    builder.rebalance()
    builder.get_ring().save('%s/%s.ring.gz' % (folder, kind))
`

function common(folder: string, port: number): string {
  return `[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${folder}
devices = ${join(folder, 'devices')}
mount_check = false
log_level = WARNING
`
}

function proxyConfiguration(memcachedPort: number): string {
  const filters = {
    catch_errors: '',
    healthcheck: '',
    'proxy-logging': '',
    cache: '',
    listing_formats: '',
    // Few on a page, so that lists have several.
    s3api: `location = ${REGION}\nmax_bucket_listing = 20`,
    tempauth: `user_${USER.replace(':', '_')} = ${SECRET} .admin`,
    copy: '',
    slo: '',
    dlo: '',
    symlink: '',
    versioned_writes: '',
  }
  const names: Record<string, string> = { 'proxy-logging': 'proxy_logging', cache: 'memcache' }
  return `
[pipeline:main]
pipeline = catch_errors healthcheck proxy-logging cache listing_formats s3api tempauth copy slo dlo symlink versioned_writes proxy-logging proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
${Object.entries(filters)
  .map(([name, more]) => {
    const servers = name === 'cache' ? `memcache_servers = 127.0.0.1:${memcachedPort}` : more
    return `[filter:${name}]\nuse = egg:swift#${names[name] ?? name}\n${servers}\n`
  })
  .join('')}`
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

async function isHealthy(endpoint: string): Promise<boolean> {
  return fetch(`${endpoint}/healthcheck`, { signal: AbortSignal.timeout(5000) }).then(
    (response) => response.ok,
    () => false,
  )
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child) || child.pid === undefined) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  // A stopped process hears it once it goes on.
  child.kill('SIGCONT')
  await Promise.race([gone, sleep(LONGEST_STOP_MS, undefined, { ref: false })])
  if (!hasEnded(child)) child.kill('SIGKILL')
  await gone
}
