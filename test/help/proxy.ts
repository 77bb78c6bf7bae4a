import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KEY, SELF_SIGNED } from '../doctor/certificates.ts'
import { snippet } from './support.ts'

const PROGRAMS = { nginx: '/usr/sbin/nginx', caddy: '/usr/bin/caddy' }
const START_MS = 10_000

export type ProxyName = keyof typeof PROGRAMS

export type Way = { proxy: ProxyName; name: string; path: '' | '/docs' }

export const WAYS: Way[] = [
  { proxy: 'nginx', name: 'nginx at the root', path: '' },
  { proxy: 'nginx', name: 'nginx below a sub-path', path: '/docs' },
  { proxy: 'caddy', name: 'Caddy at the root', path: '' },
  { proxy: 'caddy', name: 'Caddy below a sub-path', path: '/docs' },
]

/** Why the tests cannot run here; undefined when they can. @throws when REQUIRE_SERVICES=1 forbids skipping */
export function noProxy(name: ProxyName): string | undefined {
  if (existsSync(PROGRAMS[name])) return undefined
  if (process.env.REQUIRE_SERVICES === '1')
    throw new Error(`${PROGRAMS[name]} is missing and REQUIRE_SERVICES=1`)
  return `skipped: ${PROGRAMS[name]} is missing`
}

/** Runs the snippets of the guide, with names, ports and certificates of this machine in them. */
export async function startProxy(
  { proxy, path }: Way,
  { port, target }: { port: number; target: string },
): Promise<AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-connector-proxy-'))
  const certificate = join(folder, 'certificate.pem')
  const key = join(folder, 'key.pem')
  await writeFile(certificate, SELF_SIGNED)
  await writeFile(key, KEY, { mode: 0o600 })
  const place = { folder, certificate, key, port, target }
  const config = proxy === 'nginx' ? nginx(path, place) : caddy(path, place)
  return startConfigured(proxy, { folder, config, url: `https://localhost:${port}${path}/health` })
}

/** Runs a proxy until it is disposed of, and its folder is removed. @param url is answered well once it is there */
export async function startConfigured(
  proxy: ProxyName,
  { folder, config, url }: { folder: string; config: string; url: string },
): Promise<AsyncDisposable> {
  await writeFile(join(folder, 'config'), config)
  const child =
    proxy === 'nginx'
      ? spawn(PROGRAMS.nginx, ['-p', folder, '-c', 'config', '-e', 'stderr', '-g', 'daemon off;'])
      : spawn(PROGRAMS.caddy, ['run', '--adapter', 'caddyfile', '--config', join(folder, 'config')], {
          env: { HOME: folder },
        })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += text
    })
  const gone = once(child, 'close')
  const stop = async () => {
    child.kill('SIGTERM')
    await gone
    await rm(folder, { recursive: true, force: true })
  }
  for (const deadline = Date.now() + START_MS; ; await delay(50)) {
    if (await answers(url)) break
    if (child.exitCode === null && Date.now() < deadline) continue
    await stop()
    throw new Error(`${proxy} did not start:\n${said}`)
  }
  return { [Symbol.asyncDispose]: stop }
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}

type Place = { folder: string; certificate: string; key: string; port: number; target: string }

function nginx(path: string, { folder, certificate, key, port, target }: Place): string {
  const whole = snippet('nginx.conf')
  const server =
    path === '' ? whole : replaced(whole, /^ {2}location \/ \{$.*?^ {2}\}$/ms, snippet('nginx-sub-path.conf'))
  const names: [string | RegExp, string][] = [
    ['listen 443 ', `listen 127.0.0.1:${port} `],
    ['server_name docs.example.com;', 'server_name localhost;'],
    ['/etc/ssl/certs/docs.example.com.pem', certificate],
    ['/etc/ssl/private/docs.example.com.key', key],
    ['http://127.0.0.1:3000;', `${target};`],
  ]
  return nginxAround(
    folder,
    names.reduce((text, [from, to]) => replaced(text, from, to), server),
  )
}

/** The rest of its configuration. @param http stands in the block of that name */
export function nginxAround(folder: string, http: string): string {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/pid;
events {}
http {
${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join('\n')}
${http}
}
`
}

function caddy(path: string, { certificate, key, port, target }: Place): string {
  const site = path === '' ? snippet('Caddyfile') : snippet('Caddyfile-sub-path')
  const named = replaced(
    site,
    /^(docs|office)\.example\.com \{$/m,
    `https://localhost:${port} {\n\ttls ${certificate} ${key}`,
  )
  return `{
	admin off
	auto_https disable_redirects
	default_bind 127.0.0.1
	skip_install_trust
}
${replaced(named, '127.0.0.1:3000', target.slice('http://'.length))}`
}

/** @throws when there is nothing to replace: then the snippet is another one than the tests know */
export function replaced(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, () => to)
  if (result === text) throw new Error(`the snippet lacks ${from}`)
  return result
}
