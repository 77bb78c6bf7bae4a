import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { ROOT, snippet } from './support.ts'

const PROGRAM_FOLDER = '/opt/docs-connector'
const ANALYZE = '/usr/bin/systemd-analyze'
/** Of the scale of `systemd-analyze security`, 0 to 100. */
const MOST_EXPOSED = 20

const unit = snippet('docs-connector.service')
const folder = await mkdtemp(join(tmpdir(), 'docs-connector-systemd-'))
afterAll(() => rm(folder, { recursive: true }))

const all = (name: string) =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value)
const only = (name: string) => {
  const [value = ''] = all(name)
  expect(all(name)).toEqual([value])
  return value
}

test('what the unit starts is there, as a user of its own', () => {
  expect(only('User')).toBe('docs-connector')
  expect(only('WorkingDirectory')).toBe(PROGRAM_FOLDER)
  const [program = '', script = ''] = only('ExecStart').split(' ')
  expect(existsSync(program.replace(PROGRAM_FOLDER, ROOT))).toBe(true)
  expect(existsSync(join(ROOT, script))).toBe(true)
})

test('it writes to one folder, that of its data', () => {
  const environment = Object.fromEntries(all('Environment').map((pair) => pair.split('=')))
  expect(environment.DATA_DIR).toBe(`/var/lib/${only('StateDirectory')}`)
  expect(only('ProtectSystem')).toBe('strict')
  expect(all('ReadWritePaths')).toEqual([])
})

test('the service takes its secrets from the credentials of the unit', async () => {
  for (const credential of all('LoadCredential')) {
    const [name = '', path] = credential.split(':')
    expect(path).toBe(`/etc/docs-connector/${name}`)
    await writeFile(join(folder, name), `${name}-0123456789abcdef0123456789abcdef\n`)
  }
  const environment = all('Environment').map((pair) => pair.replace('%d', folder).split('='))
  const config = loadConfig({
    ...Object.fromEntries(environment),
    PUBLIC_URL: 'https://docs.example.com',
    ONLYOFFICE_URL: 'https://office.example.com',
  })
  expect(config).toMatchObject({
    NODE_ENV: 'production',
    ONLYOFFICE_JWT_SECRET: 'jwt-secret-0123456789abcdef0123456789abcdef',
    ADMIN_TOKEN: 'admin-token-0123456789abcdef0123456789abcdef',
  })
})

test('saves under way are finished before it is killed', () => {
  expect(Number(only('TimeoutStopSec'))).toBeGreaterThan(loadConfig({}).SHUTDOWN_S)
})

test.skipIf(!existsSync(ANALYZE))('systemd finds no fault in it, and few rights', async () => {
  const path = join(folder, 'docs-connector.service')
  await writeFile(path, unit.replaceAll(PROGRAM_FOLDER, ROOT.replace(/\/$/, '')))
  const verified = spawnSync(ANALYZE, ['verify', path], { encoding: 'utf8' })
  expect(verified).toMatchObject({ status: 0, stderr: '' })
  const rated = spawnSync(ANALYZE, ['security', '--offline=true', `--threshold=${MOST_EXPOSED}`, path], {
    encoding: 'utf8',
  })
  expect([rated.status, rated.stdout.split('\n').findLast(Boolean)]).toEqual([0, expect.anything()])
})

test('the program for its commands runs them with the settings and secrets of the unit', async () => {
  await writeFile(
    join(folder, 'settings'),
    `# As systemd takes it.
PUBLIC_URL=https://docs.example.com
ONLYOFFICE_URL="https://office.example.com"

ALERT_WEBHOOK_URL=https://alerts.example.com/?a=1&b=$HOME;c
FRAME_ANCESTORS='https://a.example https://b.example'
EDITOR_CUSTOMIZATION={"feedback":false}`,
  )
  const script = snippet('docs-connector.sh')
  const here = script
    .replaceAll('/etc/docs-connector', folder)
    .replaceAll('/var/lib/docs-connector', join(folder, 'data'))
    .replaceAll(PROGRAM_FOLDER, ROOT)
    // Without the change of user, which only root may make.
    .replace(/setpriv .*\\\n/, '')
  expect(here).not.toMatch(/setpriv|\/etc\/|\/opt\//)
  await writeFile(join(folder, 'docs-connector.sh'), here)
  const run = promisify(execFile)
  const { stdout } = await run('/bin/sh', [join(folder, 'docs-connector.sh'), 'sign-in'], { env: {} })
  expect(stdout).toMatch(/^https:\/\/docs\.example\.com\/sign-in\?link=[\w-]{32}\n$/)
  expect(existsSync(join(folder, 'data/metadata.sqlite'))).toBe(true)

  const shown = here.replace('src/cli.ts "$@"', '-p "JSON.stringify(process.env)"')
  await writeFile(join(folder, 'docs-connector.sh'), shown)
  const settings = await run('/bin/sh', [join(folder, 'docs-connector.sh')], { env: {} })
  expect(JSON.parse(settings.stdout)).toMatchObject({
    ONLYOFFICE_URL: 'https://office.example.com',
    ALERT_WEBHOOK_URL: 'https://alerts.example.com/?a=1&b=$HOME;c',
    FRAME_ANCESTORS: 'https://a.example https://b.example',
    EDITOR_CUSTOMIZATION: '{"feedback":false}',
    NODE_ENV: 'production',
  })
})
