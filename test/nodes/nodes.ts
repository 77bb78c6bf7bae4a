import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Emulator } from '../../src/emulator/emulator.ts'
import { startEmulator } from '../../src/emulator/start.ts'
import { SECRET } from '../support/app.ts'
import { freePort } from '../support/ports.ts'
import { dropScaled, scaledEnv } from '../support/scale.ts'
import { noScaleServers, type ScaleServers, startScaleServers } from '../support/scale-servers.ts'
import { type ServiceProcess, startProcess } from '../support/service-process.ts'

export const LEASE_S = 2

const NGINX = '/usr/sbin/nginx'

/** Why these tests are left out here. */
export const missing =
  existsSync(NGINX) || process.env.REQUIRE_SERVICES === '1' ? noScaleServers() : 'skipped: no nginx'

export type NodeName = 'a' | 'b'

/** Two processes of the service behind nginx, over PostgreSQL, S3 and Redis of the test's own. */
export type Nodes = AsyncDisposable & {
  servers: ScaleServers
  docServer: Emulator & { url: string }
  /** nginx. */
  url: string
  rootSecret: string
  /** Names the database, for `auditStorage`. */
  folder: string
  node(name: NodeName): ServiceProcess
  /** Another process in its place; resolves when it answers. */
  restart(name: NodeName): Promise<void>
}

type Timings = NonNullable<Parameters<typeof startEmulator>[0]>['timings']

export async function startNodes({
  env = {},
  timings,
}: {
  env?: Record<string, string>
  timings?: Timings
} = {}): Promise<Nodes> {
  await using started = new AsyncDisposableStack()
  const servers = started.use(await startScaleServers())
  // This file has a process of its own.
  Object.assign(process.env, servers.env)
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-nodes-'))
  started.defer(() => rm(folder, { recursive: true, force: true }))
  // Where a single service would stage its files.
  await mkdir(join(folder, 'tmp'))
  const docServer = started.use(
    await startEmulator({ secret: SECRET, ...(timings === undefined ? {} : { timings }) }),
  )
  const ports = { a: await freePort(), b: await freePort() }
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const shared = await scaledEnv(folder)
  started.defer(() => dropScaled(folder))

  const start = (name: NodeName) =>
    startProcess({
      dataDir: join(folder, name),
      port: ports[name],
      docServer,
      env: {
        ...servers.env,
        ...shared,
        NODE_NAME: name,
        PUBLIC_URL: url,
        TRUST_PROXY: 'loopback',
        LEASE_S: String(LEASE_S),
        UV_THREADPOOL_SIZE: '4',
        ...env,
      },
    })
  for (const name of ['a', 'b']) await mkdir(join(folder, name))
  const nodes = { a: start('a'), b: start('b') }
  started.defer(async () => {
    await Promise.all([nodes.a.kill(), nodes.b.kill()])
  })
  await Promise.all([nodes.a.healthy(), nodes.b.healthy()])
  const nginx = await startNginx(folder, { port, upstreams: [ports.a, ports.b] })
  started.defer(() => ended(nginx))

  const running = started.move()
  return {
    servers,
    docServer,
    url,
    rootSecret: shared.ROOT_SECRET ?? '',
    folder,
    node: (name) => nodes[name],
    async restart(name) {
      nodes[name] = start(name)
      await nodes[name].healthy()
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  }
}

/** As it balances by itself: one request here, one there, WebSockets too. */
async function startNginx(
  folder: string,
  { port, upstreams }: { port: number; upstreams: number[] },
): Promise<ChildProcess> {
  const path = join(folder, 'nginx.conf')
  await writeFile(
    path,
    `daemon off;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream nodes {
    ${upstreams.map((upstream) => `server 127.0.0.1:${upstream} max_fails=1 fail_timeout=1s;`).join('\n    ')}
  }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    # A node that has stopped without closing its connections is given up soon.
    location /api/onlyoffice/callback {
      proxy_pass http://nodes;
      proxy_read_timeout 3s;
      proxy_next_upstream error timeout http_503 non_idempotent;
    }
    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
    }
  }
}
`,
  )
  const nginx = spawn(NGINX, ['-c', path, '-e', `${folder}/nginx.log`], { stdio: 'inherit' })
  for (;;) {
    const isUp = await fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isUp) return nginx
    if (nginx.exitCode !== null) throw new Error('nginx did not start')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGTERM')
  await gone
}
