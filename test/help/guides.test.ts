import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { ConfigError, loadConfig } from '../../src/config.ts'
import { CHECKS } from '../../src/doctor/check.ts'
import { PRIVATE_ADDRESS_LINES } from '../../src/doctor/why-not-fetched.ts'
import { startApp } from '../support/app.ts'
import { ROOT, readGuides, snippet } from './support.ts'

const app = await startApp()
afterAll(() => app[Symbol.asyncDispose]())
const guides = await readGuides(app)

const source = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const settings = new Set(
  [
    ...source('src/config.ts').matchAll(
      /^ {2}([A-Z][A-Z_]+): (?=z|httpUrl|seconds|count|flag|list|json|webhookUrl)/gm,
    ),
  ].map(([, name = '']) => name),
)
/** Names of other programs that look like settings. */
const FOREIGN = new Set([
  'POSTGRES_PASSWORD',
  'S3_PASSWORD',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'ALLOW_META_IP_ADDRESS',
  'ALLOW_PRIVATE_IP_ADDRESS',
  'JWT_ENABLED',
  'JWT_HEADER',
  'JWT_SECRET',
  'NODE_EXTRA_CA_CERTS',
  'USE_UNAUTHORIZED_STORAGE',
  'AF_INET',
  'AF_INET6',
  'AF_UNIX',
  'AF_NETLINK',
])

const isSetting = (name: string) =>
  settings.has(name) || settings.has(name.replace(/_FILE$/, '')) || name === 'NAME_FILE'

test('ten guides are listed, and each is there for everybody', () => {
  expect(guides.map(({ path }) => path)).toEqual([
    '/help',
    '/help/pair',
    '/help/proxies',
    '/help/systemd',
    '/help/certificates',
    '/help/backup',
    '/help/upgrade',
    '/help/growing',
    '/help/capacity',
    '/help/errors',
    '/help/integrate',
  ])
})

test('every setting that a guide names exists', () => {
  expect(settings).toContain('ALERT_WEBHOOK_URL')
  const named = guides.flatMap(({ text }) => text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b/g) ?? [])
  expect(named.length).toBeGreaterThan(50)
  expect([...new Set(named)].filter((name) => !isSetting(name) && !FOREIGN.has(name))).toEqual([])
})

test('every example of settings is one that the service starts with', () => {
  const examples = guides
    .flatMap(({ blocks }) => blocks)
    .filter((block) => block.split('\n').every((line) => /^[A-Z_]+=\S+$/.test(line)))
  expect(examples.length).toBeGreaterThan(7)
  for (const example of examples) {
    const given = Object.fromEntries(example.split('\n').map((line) => line.split(/=(.*)/s)))
    expect(Object.keys(given).filter((name) => !isSetting(name) && !FOREIGN.has(name))).toEqual([])
    // The secret stands elsewhere, the file of certificates on the reader's machine.
    expect(faultsOf({ ONLYOFFICE_JWT_SECRET: 'x'.repeat(32), ...given })).not.toMatch(
      /^(?!ONLYOFFICE_CA_FILE)./m,
    )
  }
})

function faultsOf(given: Record<string, string>): string {
  try {
    loadConfig(given)
    return ''
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
}

test('links lead to guides, to places in them, and to pages of the service', async () => {
  const ids = new Map(guides.map(({ path, html }) => [path, idsOf(html)]))
  const pages = new Set<string>()
  let followed = 0
  for (const { path, html } of guides) {
    for (const [, to = '', id] of html.matchAll(/href="([^"#]*)(?:#([^"]*))?"/g)) {
      if (/^(data:|\/assets\/)/.test(to)) continue
      const target = to === '' ? path : to
      if (target !== '/help' && !target.startsWith('/help/')) pages.add(target)
      else expect([ids.has(target), id === undefined || ids.get(target)?.has(id)]).toEqual([true, true])
      followed += 1
    }
  }
  expect(followed).toBeGreaterThan(80)
  expect([...pages].sort()).toEqual(['/', '/admin/doctor', '/api/docs', '/demo/collaboration', '/operations'])
})

function idsOf(html: string): Set<string> {
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id)
  expect(new Set(ids).size).toBe(ids.length)
  return new Set(ids)
}

test('each guide has a table of contents of all its headings', () => {
  for (const { path, html } of guides.slice(1)) {
    const headings = [...html.matchAll(/<h2 id="([^"]+)">/g)].map(([, id]) => id)
    const [, contents = ''] = /<nav class="contents"[^>]*>(.*?)<\/nav>/s.exec(html) ?? []
    expect([path, [...contents.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)]).toEqual([path, headings])
    expect(headings.length).toBe(html.match(/<h2/g)?.length)
  }
})

test('every check of the doctor and every reason of a save that a guide names exists', () => {
  const problems = [...source('src/errors.ts').matchAll(/^ {2}'?([a-z-]+)'?: \{ status/gm)].map(
    ([, code]) => code,
  )
  const known = new Set<unknown>([...Object.keys(CHECKS), ...problems, 'interrupted'])
  const others = new Set([
    'docs-connector',
    'document-server',
    'ds-converter',
    'libreoffice-writer',
    '-calc',
    '-impress',
    'frame-ancestors',
  ])
  const named = guides.flatMap(({ html }) => [...html.matchAll(/<code>([a-z]*(?:-[a-z]+)+)<\/code>/g)])
  expect(named.length).toBeGreaterThan(30)
  expect(named.map(([, name = '']) => name).filter((name) => !known.has(name) && !others.has(name))).toEqual(
    [],
  )
})

test('what the guide of errors has the page say, the page says', async () => {
  const { textsIn } = (await import(join(ROOT, 'src/pages/assets/editor-texts.js'))) as {
    textsIn(language: string): (name: string) => string
  }
  const texts = textsIn('en')
  const said = [
    'notLoaded',
    'fault4',
    'fault20',
    'fault21',
    'cannotEdit',
    'notSaved',
    'offline',
    'replaced',
    'ended',
  ].map((name) => texts(name))
  const errors = guides.find(({ path }) => path === '/help/errors')?.html ?? ''
  const quoted = [...errors.matchAll(/<q data-says="page">(.*?)<\/q>/g)].map(([, words = '']) => words)
  expect(quoted.filter((words) => !said.some((text) => text.includes(words)))).toEqual([])
  expect(said.filter((text) => !quoted.some((words) => text.includes(words)))).toEqual([])
})

test('every command that a guide gives is one of the command line', () => {
  const given = guides.flatMap(({ text }) => [
    ...text.matchAll(/(?:cli --|dist\/cli\.js|sudo docs-connector) ([a-z-]+)/g),
  ])
  const commands = [...new Set(given.map(([, command = '']) => command))]
  expect(commands.length).toBeGreaterThan(6)
  const help = execFileSync('node', ['src/cli.ts', '--help'], { cwd: ROOT, encoding: 'utf8' })
  for (const command of commands) expect(help).toMatch(new RegExp(`^  ${command} `, 'm'))
})

test('lines for Document Server are those of the doctor and JSON, and what is untested says so', () => {
  expect(JSON.parse(snippet('local.json'))).toEqual(JSON.parse(PRIVATE_ADDRESS_LINES))
  expect(JSON.parse(snippet('jwt.json'))).toMatchObject({
    services: { CoAuthoring: { token: { enable: {} } } },
  })
  expect(parse(snippet('traefik.yml'))).toMatchObject({ http: { routers: {}, services: {} } })
  const proxies = guides.find(({ path }) => path === '/help/proxies')?.html ?? ''
  expect(proxies).toMatch(/<h2 id="traefik">Traefik<\/h2>\s*<p><strong>Not tested\.<\/strong>/)
})

test('every snippet stands whole in a guide', () => {
  const blocks = guides.flatMap((guide) => guide.blocks)
  const names = readdirSync(join(ROOT, 'views/help/snippets'))
  expect(names.filter((name) => !blocks.includes(snippet(name).trim()))).toEqual([])
})

test('a guide that does not exist is not found', async () => {
  for (const path of ['/help/nothing', '/help/snippets', '/help/code', '/help/constructor', '/help/..%2Fapp'])
    expect([path, (await app.fetch(path, { as: null })).status]).toEqual([path, 404])
})

test('below a sub-path every address of the pages lies below it', async () => {
  await using below = await startApp({ env: { BASE_PATH: '/docs' } })
  for (const path of ['/docs/help', '/docs/help/pair']) {
    const html = await (await fetch(new URL(path, below.url))).text()
    const addresses = [...html.matchAll(/(?:href|src)="(\/[^"]*)"/g)].map(([, address = '']) => address)
    expect(addresses.length).toBeGreaterThan(8)
    expect(addresses.filter((address) => !address.startsWith('/docs/'))).toEqual([])
  }
})
